// The example chat, as `cargo xtask demo` serves it, and a person in front of it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { openPage } from "./chromium.mjs";
import { root } from "./environment.mjs";
import { freePort } from "./port.mjs";

/** Starts the example's own server until the test ends; returns the page's address. */
export async function startExample(t, { endpoint, apiKey }) {
  const server = spawn("node", ["server.mjs"], {
    cwd: join(root, "www-example"),
    env: { ...process.env, ALO_ENDPOINT: endpoint, ALO_API_KEY: apiKey, PORT: String(await freePort()) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill();
    await gone;
  });
  return new Promise((serving, failed) => {
    createInterface({ input: server.stdout }).on("line", (line) => {
      const [, url] = /^example on (http:\/\/\S+)/.exec(line) ?? [];
      if (url) serving(url);
    });
    server.once("error", failed);
    server.once("exit", (code) => failed(new Error(`the example's server ended: ${code}`)));
  });
}

/** Someone signed in, in a window of their own. */
export class Person {
  /** Opens a window, signs in and goes to the channel. */
  static async signIn(t, browser, url, name, channel) {
    const { page, problems } = await openPage(browser, t);
    await page.goto(url);
    await page.getByTestId("signin-name").fill(name);
    await page.getByTestId("signin-submit").click();
    await page.getByTestId(`channel-${channel}`).click();
    const person = new Person(page, problems);
    await person.isConnected();
    return person;
  }

  constructor(page, problems) {
    this.page = page;
    this.problems = problems;
  }

  /** Waits until the page shows that it is connected. */
  isConnected() {
    return this.#state("connected").waitFor();
  }

  /** Waits until the page shows that it is not connected. */
  isNotConnected() {
    return this.page.locator('[data-testid="connection-state"]:not([data-state="connected"])').waitFor();
  }

  #state(state) {
    return this.page.locator(`[data-testid="connection-state"][data-state="${state}"]`);
  }

  /** Writes a message and sends it, without waiting for what becomes of it. */
  async write(content) {
    await this.page.getByTestId("composer").fill(content);
    await this.page.getByTestId("send").click();
  }

  /** Sends a file of this disk with a text. */
  async sendFile(path, content) {
    await this.page.getByTestId("file-input").setInputFiles(path);
    await this.write(content);
  }

  /** The message with this text, sent and in the list. */
  async message(content) {
    const message = this.page
      .locator('[data-testid="message"][data-state="sent"]')
      .filter({ has: this.page.getByTestId("message-content").getByText(content, { exact: true }) });
    await message.waitFor({ timeout: 60_000 });
    return message;
  }

  /** The rows of the list near the scroll position, from top to bottom. */
  messages() {
    return this.page.getByTestId("message").evaluateAll((nodes) =>
      nodes.map((node) => ({
        id: node.dataset.messageId,
        state: node.dataset.state,
        content: node.querySelector('[data-testid="message-content"]').textContent.trim(),
      })),
    );
  }
}
