// A browser driven over WebDriver: what Chromium, Firefox and WebKit have in common.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as after } from "node:timers/promises";

import { freePort } from "./port.mjs";

/** How long a driver or a browser may take to start, and a script in a page to end. */
const START = 60_000;
const SCRIPT = 60_000;

/** The capabilities of each engine; none of them opens a window on the user's screen. */
const CAPABILITIES = {
  chromium: (binary) => ({
    // No sandbox: tests run as root in containers too.
    "goog:chromeOptions": { binary, args: ["--headless=new", "--no-sandbox", "--disable-background-networking"] },
  }),
  firefox: () => ({ "moz:firefoxOptions": { args: ["-headless"] } }),
  webkit: () => ({}),
};

/** Starts `driver` and a browser of the engine; both end with the test, or with the file of tests. */
export async function openBrowser(t, { engine, driver, binary }) {
  const port = await freePort();
  const process = spawn(driver, [`--port=${port}`], { stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  for (const output of [process.stdout, process.stderr]) output.on("data", (text) => log.push(text));
  const gone = once(process, "exit");
  t.after(async () => {
    process.kill();
    await gone;
    if (t.passed === false) console.error(log.join(""));
  });
  const ended = gone.then(([code, signal]) => {
    throw new Error(`${driver} ended: ${signal ?? code}\n${log.join("")}`);
  });
  ended.catch(() => {});

  const address = `http://127.0.0.1:${port}`;
  await Promise.race([ready(address), ended]);
  const capabilities = { alwaysMatch: CAPABILITIES[engine](binary) };
  const { sessionId, capabilities: got } = await ask("POST", `${address}/session`, { capabilities });
  const session = `${address}/session/${sessionId}`;
  // The driver ends in any case, and reports why if it could not end the browser.
  t.after(() => ask("DELETE", session).catch((error) => log.push(`${error}\n`)));
  await ask("POST", `${session}/timeouts`, { script: SCRIPT, pageLoad: START });
  return new Browser(session, `${got.browserName} ${got.browserVersion}`);
}

class Browser {
  #session;
  /** As the browser calls itself. */
  name;

  constructor(session, name) {
    this.#session = session;
    this.name = name;
  }

  /** Resolves when the page has loaded. */
  async goto(url) {
    await ask("POST", `${this.#session}/url`, { url });
  }

  /** Chooses a file of this disk in a file input, as a user does. */
  async chooseFile(selector, path) {
    const element = await ask("POST", `${this.#session}/element`, { using: "css selector", value: selector });
    await ask("POST", `${this.#session}/element/${Object.values(element)[0]}/value`, { text: path });
  }

  /** Calls a function in the page and waits for what it returns; all of it goes as JSON. */
  async evaluate(call, ...values) {
    const script = `
      const done = arguments[1];
      (async () => (${call})(...JSON.parse(arguments[0])))().then(
        (value) => done(JSON.stringify({ value })),
        (error) => done(JSON.stringify({ error: String(error) + "\\n" + (error?.stack ?? "") })),
      );`;
    const text = await ask("POST", `${this.#session}/execute/async`, { script, args: [JSON.stringify(values)] });
    const { value, error } = JSON.parse(text);
    if (error) throw new Error(`in the page: ${error}`);
    return value;
  }
}

/** A command of WebDriver; resolves to its value. */
async function ask(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: body && { "content-type": "application/json" },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(START + SCRIPT),
  });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${value.error}: ${value.message}`);
  return value;
}

/** Resolves when a driver listens; drivers do not report it. */
async function ready(address) {
  const end = Date.now() + START;
  for (;;) {
    const status = await ask("GET", `${address}/status`).catch((error) => ({ error }));
    if (status.ready) return;
    if (Date.now() > end) throw new Error("the driver is not ready", { cause: status.error });
    await after(50);
  }
}
