// The loader of the engine: calls made before it is loaded, and the ways to pass the wasm.

import assert from "node:assert/strict";
import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { launch, openPage } from "../support/chromium.mjs";
import { required, root } from "../support/environment.mjs";
import { mintToken } from "../support/gateway.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { serve } from "../support/serve.mjs";

const endpoint = required("ALO_TEST_ENDPOINT");
const apiKey = required("ALO_TEST_API_KEY");
const PACKAGE = "/node_modules/alo-chat/";
const WASM = `${PACKAGE}alo_chat_bg.wasm`;
const HTML = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">`;

/** A page from which the package can be imported but has not been. */
async function openedPage(t) {
  const folder = await temporaryFolder(t);
  const { tarball } = await pack(folder);
  const { url } = await serve(t, await project(folder, tarball), { files: { "/index.html": HTML } });
  const { page, problems } = await openPage(await launch(t), t);
  await page.goto(url);
  const authToken = await mintToken({ endpoint, apiKey, userId: "ada", channelIds: ["alpha"] });
  return { page, problems, settings: { endpoint, authToken, index: `${PACKAGE}index.js`, wasm: WASM } };
}

test("calls and listeners from before the engine is there are kept, in order", async (t) => {
  const { page, problems, settings } = await openedPage(t);
  const { sent, received } = await page.evaluate(async ({ endpoint, authToken, index }) => {
    const { AloChat, ready } = await import(index);
    const chat = new AloChat({ endpoint, authToken });
    const received = [];
    const run = `${Math.random()}`;
    const all = new Promise((resolve) =>
      chat.addEventListener("message.new", ({ data: { message } }) => {
        if (message.metadata.run === run && received.push(message.content) === 4) resolve();
      }),
    );
    const send = (content) => chat.sendMessage({ channelId: "alpha", content, metadata: { run } });
    const calls = [chat.subscribe({ channelIds: ["alpha"] }), send("1")];
    // Runs when the engine is loaded, and still after the calls made before it.
    const late = ready().then(() => send("4"));
    calls.push(send("2"), send("3"));
    const sent = (await Promise.all([...calls, late])).map(({ status }) => status.error);
    await all;
    return { sent, received };
  }, settings);
  assert.deepEqual(sent, [false, false, false, false, false]);
  assert.deepEqual(received, ["1", "2", "3", "4"]);
  assert.deepEqual(problems, []);
});

for (const [name, make] of Object.entries({
  "an address": (wasm) => wasm,
  "a URL": (wasm) => new URL(wasm, location.href),
  "a response to come": (wasm) => fetch(wasm),
  "bytes": async (wasm) => (await fetch(wasm)).arrayBuffer(),
  "a compiled module": (wasm) => WebAssembly.compileStreaming(fetch(wasm)),
})) {
  test(`ready() takes ${name}`, async (t) => {
    const { page, problems, settings } = await openedPage(t);
    const error = await page.evaluate(
      async ({ endpoint, authToken, index, wasm, source }) => {
        const { AloChat, ready } = await import(index);
        const given = await new Function(`return ${source}`)()(wasm);
        await ready(given);
        const { status } = await new AloChat({ endpoint, authToken }).connect();
        return status.error;
      },
      { ...settings, source: make.toString() },
    );
    assert.equal(error, false);
    assert.deepEqual(problems, []);
  });
}

test("files of an input are sent, though the input is emptied at once", async (t) => {
  const { page, problems, settings } = await openedPage(t);
  await page.setContent(`${HTML}<input type="file">`);
  await page.locator("input").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
  const files = await page.evaluate(async ({ endpoint, authToken, index }) => {
    const { AloChat } = await import(index);
    const chat = new AloChat({ endpoint, authToken });
    const input = document.querySelector("input");
    const sent = chat.sendMessage({ channelId: "alpha", content: "with a file", files: input.files });
    input.value = "";
    return (await sent).response.message.files.map((file) => file.name);
  }, settings);
  assert.deepEqual(files, ["a.txt"]);
  assert.deepEqual(problems, []);
});

test("a file that was changed after it was chosen ends the send, and says why", { timeout: 60_000 }, async (t) => {
  const { page, settings } = await openedPage(t);
  const path = join(await temporaryFolder(t), "notes.txt");
  await writeFile(path, "first");
  await page.setContent(`${HTML}<input type="file">`);
  await page.locator("input").setInputFiles(path);
  // Browsers check a file when it is first read, and compare its time in seconds.
  await page.evaluate(() => document.querySelector("input").files[0].size);
  await writeFile(path, "second, and longer");
  await utimes(path, new Date(), new Date(Date.now() + 10_000));
  const { status } = await page.evaluate(async ({ endpoint, authToken, index }) => {
    const { AloChat } = await import(index);
    const chat = new AloChat({ endpoint, authToken });
    const { files } = document.querySelector("input");
    return chat.sendMessage({ channelId: "alpha", content: "with a file", files });
  }, settings);
  assert.equal(status.error, true);
  assert.equal(status.errorData.code, "upload-failed");
  assert.match(status.errorData.message, /notes\.txt.*was changed or deleted/);
});

test("dispose() is the end, also for a listener that calls again", async (t) => {
  const { page, problems, settings } = await openedPage(t);
  const { again, later } = await page.evaluate(async ({ endpoint, authToken, index }) => {
    const { AloChat } = await import(index);
    const chat = new AloChat({ endpoint, authToken });
    await chat.connect();
    const again = new Promise((resolve) =>
      chat.addEventListener("status.disconnected", () => resolve(chat.sendMessage({ channelId: "alpha", content: "x" }))),
    );
    chat.dispose();
    return { again: (await again).status, later: (await chat.connect()).status };
  }, settings);
  assert.equal(again.errorData.code, "disconnected");
  assert.equal(later.errorData.code, "disconnected");
  assert.deepEqual(problems, []);
});

test("dispose() frees the engine's memory, also when a listener calls it while a call is under way", { timeout: 60_000 }, async (t) => {
  const { page, problems, settings } = await openedPage(t);
  // The module's exports have short names; the glue knows which one frees an engine.
  const glue = await readFile(join(root, "pkg/engine/alo_chat.js"), "utf8");
  const [, name] = glue.match(/free\(\) \{[^}]*wasm\.(\w+)\(ptr, 0\)/);
  const { statuses, freed } = await page.evaluate(async ({ endpoint, authToken, index, name }) => {
    let freed = 0;
    let whenFreed;
    // The loader sees the module's exports as they are here.
    const { instantiateStreaming } = WebAssembly;
    WebAssembly.instantiateStreaming = async (...args) => {
      const { instance, module } = await instantiateStreaming.apply(WebAssembly, args);
      const free = (...args) => {
        freed++;
        instance.exports[name](...args);
        whenFreed();
      };
      return { instance: { exports: { ...instance.exports, [name]: free } }, module };
    };
    const { AloChat } = await import(index);
    const statuses = [];
    for (const symbol of [undefined, Symbol.dispose]) {
      const chat = new AloChat({ endpoint, authToken });
      const isFreed = new Promise((resolve) => (whenFreed = resolve));
      chat.addEventListener("message.new", () => (symbol ? chat[symbol]() : chat.dispose()));
      await chat.subscribe({ channelIds: ["alpha"] });
      // Large enough to be on its way still when the event comes.
      const files = [new File([new Uint8Array(64 << 20)], "a.bin")];
      const open = chat.sendMessage({ channelId: "alpha", content: "with a file", files });
      chat.sendMessage({ channelId: "alpha", content: "ends it all" });
      statuses.push((await open).status.errorData?.code);
      await isFreed;
    }
    return { statuses, freed };
  }, { ...settings, name });
  assert.deepEqual(statuses, ["disconnected", "disconnected"]);
  assert.equal(freed, 2);
  assert.deepEqual(problems, []);
});

test("an error page in place of a token is an error of its own", async (t) => {
  const { page, settings } = await openedPage(t);
  const { status } = await page.evaluate(async ({ endpoint, index }) => {
    const { AloChat } = await import(index);
    const authToken = async () => "<!doctype html>\n<title>502</title>";
    const chat = new AloChat({ endpoint, authToken });
    const file = { id: "01890000-0000-7000-8000-000000000001" };
    return chat.downloadFile({ file });
  }, settings);
  assert.equal(status.errorData.code, "token-unavailable");
});

test("an engine that cannot be loaded is an answer, and the next call tries again", async (t) => {
  const { page, settings } = await openedPage(t);
  await page.route(`**${WASM}`, (route) => route.fulfill({ status: 404 }), { times: 1 });
  const { first, second } = await page.evaluate(async ({ endpoint, authToken, index }) => {
    const { AloChat } = await import(index);
    const chat = new AloChat({ endpoint, authToken });
    return { first: (await chat.connect()).status, second: (await chat.connect()).status };
  }, settings);
  assert.equal(first.error, true);
  assert.equal(first.errorData.code, "load-failed");
  assert.equal(first.errorData.retryable, true);
  assert.equal(second.error, false);
});
