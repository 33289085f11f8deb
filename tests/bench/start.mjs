// From import to the first subscription answered, in a browser that has seen nothing before.

import { launch, openPage } from "../support/chromium.mjs";
import { serve } from "../support/serve.mjs";
import { bundle } from "./support/bundle.mjs";
import { html, ISOLATED, callerOf } from "./support/page.mjs";
import { alternate, series } from "./support/rounds.mjs";
import { withScope } from "./support/scope.mjs";
import { startStub } from "./support/stub.mjs";

const BARE = "bare WebSocket";
const ALO = "alo-chat";

const CLIENTS = {
  [BARE]: "bare",
  [ALO]: "alo-chat",
  centrifuge: "centrifuge",
  phoenix: "phoenix",
  "stream-chat": "stream-chat",
};

export const peers = ["centrifuge", "phoenix", "stream-chat"];

export async function run(t, { rounds, only = Object.keys(CLIENTS) }) {
  const stub = await startStub(t);
  // Each client in a file of its own, with nothing shared: as an app that has only that one.
  const folder = await bundle(t, ["start", ...Object.values(CLIENTS).map((client) => `clients/${client}`)]);
  const files = { "/index.html": html("/start.js") };
  const { url } = await serve(t, folder, { files, headers: ISOLATED, compress: true });
  const browser = await launch(t);

  const taken = await alternate(only, rounds, (name) =>
    inFreshContext(browser, url, [CLIENTS[name], { origin: stub.origin, channels: ["alpha"] }]),
  );
  const wasm = { [ALO]: taken[ALO] ?? [] };
  return {
    browsers: { Chromium: browser.version() },
    measures: [
      {
        title: "From import to the first subscription answered",
        unit: "ms",
        base: BARE,
        series: series(taken, ({ totalMs }) => totalMs),
      },
      { title: "Until the JavaScript is loaded", unit: "ms", base: BARE, series: series(taken, ({ loadMs }) => loadMs) },
      { title: "Bytes loaded, in Brotli", unit: "bytes", base: BARE, series: series(taken, ({ bytes }) => bytes) },
      {
        title: "The wasm module",
        unit: "ms",
        base: "loaded, compiled and instantiated while it streams",
        series: [
          ...series(wasm, ({ instantiateMs }) => instantiateMs).map((one) => ({
            ...one,
            name: "loaded, compiled and instantiated while it streams",
          })),
          ...series(wasm, ({ compileMs }) => compileMs).map((one) => ({ ...one, name: "compiled alone, from memory" })),
        ],
      },
    ],
    notes: ["Every run has a fresh browser context: no HTTP cache, no compiled code of an earlier run."],
  };
}

function inFreshContext(browser, url, args) {
  return withScope(async (t) => {
    const { page, problems } = await openPage(browser, t);
    await page.goto(url);
    const call = await callerOf(page, problems);
    return call("start", ...args);
  });
}
