// A page with the packed package and a `chat` of its own.

import { openPage } from "./chromium.mjs";
import { mintToken } from "./gateway.mjs";

const SCRIPT = `
import { AloChat } from "alo-chat";
globalThis.chat = new AloChat(await (await fetch("/config.json")).json());
globalThis.events = [];
chat.addEventListener((event) => events.push(event));
document.title = "ready";
`;
const HTML = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"alo-chat": "/node_modules/alo-chat/index.js"}}</script>
<script type="module">${SCRIPT}</script>`;

/** The files of such a page, to be served over a project that has the package installed. */
export const files = { "/index.html": HTML };

/**
 * Opens the page for a user; it has the globals `chat` and `events`, which keeps every event. With `through` the
 * page connects to that address instead of the gateway's own; with `beside` it is another tab of that page's
 * profile. `options` are further ones of the chat, and `prepare` runs in the page before anything else.
 */
export async function openChat(
  t,
  browser,
  url,
  { endpoint, apiKey, userId, channelIds, through = endpoint, beside, options, prepare, token },
) {
  const authToken = token ?? (await mintToken({ endpoint, apiKey, userId, channelIds }));
  const { page, problems } = await openPage(browser, t, beside);
  await page.route("**/config.json", (route) => route.fulfill({ json: { endpoint: through, authToken, ...options } }));
  if (prepare) await page.addInitScript(prepare);
  await page.goto(url);
  await page.waitForFunction(() => document.title === "ready");
  return { page, problems, authToken };
}
