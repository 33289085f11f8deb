// A page with the packed package and a `chat` of its own.

import { openPage } from "./chromium.mjs";
import { mintToken } from "./gateway.mjs";

const SCRIPT = `
import { AloChat } from "alo-chat";
const { endpoint, authToken } = await (await fetch("/config.json")).json();
globalThis.chat = new AloChat({ endpoint, authToken });
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
 * Opens the page for a user; in it stand `chat` and `events`, which keeps every event. With `through` the
 * page speaks to that address instead of the gateway's own.
 */
export async function openChat(t, browser, url, { endpoint, apiKey, userId, channelIds, through = endpoint }) {
  const authToken = await mintToken({ endpoint, apiKey, userId, channelIds });
  const { page, problems } = await openPage(browser, t);
  await page.route("**/config.json", (route) => route.fulfill({ json: { endpoint: through, authToken } }));
  await page.goto(url);
  await page.waitForFunction(() => document.title === "ready");
  return { page, problems, authToken };
}
