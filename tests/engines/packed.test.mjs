// The packed package in one engine, over WebDriver: `cargo xtask test` runs it in Chromium, Firefox and WebKit.
// Two users are in one page, `chat` and `other`.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { chromiumPath, required, root } from "../support/environment.mjs";
import { mintToken } from "../support/gateway.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { serve } from "../support/serve.mjs";
import { openBrowser } from "../support/webdriver.mjs";

const endpoint = required("ALO_TEST_ENDPOINT");
const apiKey = required("ALO_TEST_API_KEY");
const engine = required("ALO_ENGINE");
const driver = required("ALO_DRIVER");
const PARENT = "8e8a4e05-12e3-43b5-882e-d9711426f8e3";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const snippet = (name) => readFile(join(root, "tests/e2e/seed", name), "utf8");
const send = await snippet("send.js");
const receive = await snippet("receive.js");

/** In the page: both users, what is logged, and what goes wrong. */
const SCRIPT = `
import { AloChat } from "alo-chat";
globalThis.problems = [];
addEventListener("error", (event) => problems.push(event.message));
addEventListener("unhandledrejection", (event) => problems.push(String(event.reason)));
const { endpoint, tokens } = await (await fetch("/config.json")).json();
globalThis.chat = new AloChat({ endpoint, authToken: tokens.chat });
globalThis.other = new AloChat({ endpoint, authToken: tokens.other });
globalThis.events = [];
chat.addEventListener((event) => events.push(event));

const lines = [];
const looking = new Set();
console.log = (...line) => {
  lines.push(line);
  for (const look of looking) look();
};
/** Resolves to the first line of console.log, early or late, that begins with a text and matches. */
globalThis.logged = (start, matches = () => true) =>
  new Promise((resolve) => {
    const look = () => {
      const line = lines.find((line) => line[0].startsWith(start) && matches(...line));
      if (line && looking.delete(look)) resolve(line);
    };
    looking.add(look);
    look();
  });
globalThis.run = (text) => {
  const script = document.createElement("script");
  script.textContent = text;
  document.head.append(script);
};
start();
`;
const HTML = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script>globalThis.started = new Promise((start) => (globalThis.start = start));</script>
<script type="importmap">{"imports": {"alo-chat": "/node_modules/alo-chat/index.js"}}</script>
<script type="module">${SCRIPT}</script>`;

describe(`the packed package in ${engine}`, () => {
  let browser;
  let folder;
  // Suites have no `after` of their own to pass on: what lasts for all tests is ended here.
  const ending = [];
  const suite = { after: (end) => ending.unshift(end) };

  before(async () => {
    folder = await temporaryFolder(suite);
    const { tarball } = await pack(folder);
    await project(folder, tarball);
    browser = await openBrowser(suite, { engine, driver, binary: chromiumPath });
    console.log(`# ${browser.name}`);
  });
  after(async () => {
    for (const end of ending) await end();
  });

  /** A page whose users may read and write these channels. */
  async function open(t, channelIds) {
    const token = (userId) => mintToken({ endpoint, apiKey, userId, channelIds });
    const config = { endpoint, tokens: { chat: await token("ada"), other: await token("grace") } };
    const { url } = await serve(t, folder, { files: { "/index.html": HTML, "/config.json": config } });
    await browser.goto(url);
    // A page has loaded before its module scripts have run to their end.
    await browser.evaluate(() => started);
  }

  /** Nothing went wrong unseen. */
  async function close() {
    assert.deepEqual(await browser.evaluate(() => problems), []);
    await browser.evaluate(() => (chat.dispose(), other.dispose()));
  }

  test("the listening snippet logs messages of both channels", async (t) => {
    await open(t, ["alpha", "bravo"]);
    await browser.evaluate(async (text) => {
      run(text);
      // The snippet does not wait; calls take effect in their order.
      const { status } = await chat.subscribe({ channelIds: ["alpha", "bravo"] });
      if (status.error) throw new Error(status.errorData.message);
    }, receive);
    for (const channelId of ["alpha", "bravo"]) {
      const content = `to ${channelId} in ${engine} at ${Date.now()}`;
      const [sent, line] = await browser.evaluate(
        async (options) => [
          await other.sendMessage(options),
          await logged("New message:", (_, message) => message.content === options.content),
        ],
        { channelId, content },
      );
      assert.deepEqual(sent.status, { error: false });
      assert.deepEqual(line, ["New message: ", sent.response.message]);
      assert.equal(sent.response.message.userId, "grace");
      assert.equal(sent.response.message.channelId, channelId);
    }
    await close();
  });

  test("the sending snippet, whose parent nobody has, logs why it failed", async (t) => {
    await open(t, ["alpha", "bravo"]);
    const [text] = await browser.evaluate((text) => (run(text), logged("Send Message Failed")), send);
    assert.match(text, /^Send Message Failed:\n\s+Reason: \S.+\n\s+\(Status Code: 404\)\n\s*$/);
    await close();
  });

  test("the sending snippet with a parent that exists sends the reply", async (t) => {
    await open(t, ["alpha", "bravo"]);
    const parent = await browser.evaluate(() => other.sendMessage({ channelId: "alpha", content: "the parent" }));
    const parentId = parent.response.message.id;
    assert.equal(send.split(PARENT).length, 2);
    const [, reply] = await browser.evaluate(
      async (receive, send, parentId) => {
        run(receive);
        await chat.subscribe({ channelIds: ["alpha", "bravo"] });
        run(send);
        return logged("New message:", (_, message) => message.parent?.id === parentId);
      },
      receive,
      send.replace(PARENT, parentId),
      parentId,
    );
    assert.equal(reply.content, "<p>Hello, World!</p>");
    assert.deepEqual(reply.metadata, { coordinates: "27.9881,86.9250", temperature: "69.3" });
    assert.equal(reply.rootMessageId, parentId);
    assert.equal(reply.parent.content, "the parent");
    await close();
  });

  test("a file that one user sends is what the other downloads", async (t) => {
    await open(t, ["alpha", "bravo"]);
    const { sent, seen, percents, complete } = await browser.evaluate(async () => {
      const bytes = Uint8Array.from({ length: 1_500_000 }, (_, index) => (index * 31) ^ (index >> 8));
      const files = [new File([bytes], "päper.bin", { type: "application/octet-stream", lastModified: 1234567890 })];
      const sent = await chat.sendMessage({ channelId: "alpha", content: "with a file", files });
      if (sent.status.error) return { sent };
      const { response } = await other.downloadFile({ file: sent.response.message.files[0] });
      const copy = new Uint8Array(await response.blob.arrayBuffer());
      const percents = events.filter((event) => event.type === "file.upload.progress").map(({ data }) => data.percent);
      const complete = events.filter((event) => event.type === "file.upload.complete");
      return {
        sent,
        percents,
        seen: { size: copy.length, type: response.blob.type, same: copy.every((byte, index) => byte === bytes[index]) },
        complete: complete.map(({ data }) => data.file.source === files[0]),
      };
    });
    assert.deepEqual(sent.status, { error: false });
    const [file] = sent.response.message.files;
    assert.match(file.id, UUID);
    assert.equal(file.name, "päper.bin");
    assert.equal(file.size, 1_500_000);
    assert.equal(file.lastModified, 1234567890);
    assert.deepEqual(seen, { size: 1_500_000, type: "application/octet-stream", same: true });
    assert.equal(percents.at(-1), 100);
    assert.deepEqual(percents, percents.toSorted((a, b) => a - b));
    assert.deepEqual(complete, [true]);
    await close();
  });

  test("a file deleted before its size was read is an error, and an empty one is sent", async (t) => {
    await open(t, ["alpha"]);
    await browser.evaluate(() => document.body.append(Object.assign(document.createElement("input"), { type: "file" })));
    const path = join(await temporaryFolder(t), "chosen.bin");
    const send = () => {
      const files = document.querySelector("input").files;
      return chat.sendMessage({ channelId: "alpha", content: "with a file", files });
    };
    await writeFile(path, "");
    await browser.chooseFile("input", path);
    const empty = await browser.evaluate(send);
    assert.deepEqual(empty.status, { error: false });
    assert.equal(empty.response.message.files[0].size, 0);

    await writeFile(path, "eleven bytes");
    await browser.chooseFile("input", path);
    await rm(path);
    const { status } = await browser.evaluate(send);
    assert.equal(status.error, true, "it was sent");
    assert.equal(status.errorData.code, "upload-failed");
    assert.match(status.errorData.message, /chosen\.bin.*deleted/);
    await close();
  });

  test("history is loaded page by page, around a message and in a loop", async (t) => {
    const channelId = `history-${engine}-${Date.now()}`;
    await open(t, [channelId]);
    const contents = await browser.evaluate(async (channelId) => {
      const contents = Array.from({ length: 7 }, (_, index) => `message ${index}`);
      for (const content of contents) await chat.sendMessage({ channelId, content });
      return contents.reverse();
    }, channelId);

    const { newest, older, newer, around, looped } = await browser.evaluate(async (channelId) => {
      const page = async (call) => {
        const { status, response } = await call;
        if (status.error) throw new Error(status.errorData.message);
        return response;
      };
      const newest = await page(other.fetchHistory({ channelId, limit: 3 }));
      const { olderPageToken } = newest;
      const older = await page(other.fetchHistory({ channelId, limit: 10, olderPageToken }));
      const middle = newest.messages[2];
      const around = await page(other.fetchHistoryAround({ channelId, messageId: middle.id, limit: 1 }));
      const newer = await page(other.fetchHistory({ channelId, limit: 10, newerPageToken: around.newerPageToken }));
      const looped = [];
      for await (const message of other.history({ channelId, limit: 2 })) looped.push(message);
      return { newest, older, newer, around, looped };
    }, channelId);
    const texts = ({ messages }) => messages.map((message) => message.content);
    assert.deepEqual(texts(newest), contents.slice(0, 3));
    assert.deepEqual(texts(older), contents.slice(3));
    assert.deepEqual(texts(around), contents.slice(1, 4));
    assert.deepEqual(texts(newer), contents.slice(0, 1));
    assert.deepEqual(texts({ messages: looped }), contents);
    // A token only where there is more.
    assert.equal(newest.newerPageToken, undefined);
    assert.equal(older.olderPageToken, undefined);
    assert.equal(typeof older.newerPageToken, "string");
    assert.equal(newer.newerPageToken, undefined);
    assert.equal(newest.cursor.seq, 7);
    assert.ok(looped.every((message, index) => index === 0 || message.seq < looped[index - 1].seq));

    const { result, thrown } = await browser.evaluate(async (channelId) => {
      const result = await chat.fetchHistory({ channelId, olderPageToken: "no token" });
      try {
        for await (const message of chat.history({ channelId: "zulu" })) return { result, thrown: message };
      } catch (error) {
        return { result, thrown: { isError: Object.prototype.toString.call(error) === "[object Error]", code: error.code } };
      }
    }, channelId);
    assert.equal(result.status.errorData.code, "invalid-argument");
    assert.match(result.status.errorData.message, /olderPageToken/);
    assert.deepEqual(thrown, { isError: true, code: "channel-forbidden" });
    await close();
  });
});
