// `outbox: "indexeddb"`: what a page has not sent when it is reloaded, closed or crashed is sent by the next
// one, once, in order and with its files.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { launch } from "../support/chromium.mjs";
import { required } from "../support/environment.mjs";
import { Gateway, mintToken } from "../support/gateway.mjs";
import { countKept } from "../support/kept.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { files, openChat } from "../support/page.mjs";
import { serve } from "../support/serve.mjs";

const channelIds = ["alpha"];
const FILE_BYTES = 48 * 1024 * 1024;

/** A gateway to kill, and Grace, who receives everything. */
async function stage(t) {
  const gateway = new Gateway(t, {
    binary: required("ALO_GATEWAY"),
    data: await temporaryFolder(t),
    apiKey: "a key of 32 bytes for this test alone",
  });
  await gateway.start();
  const folder = await temporaryFolder(t);
  const { tarball } = await pack(folder);
  const { url } = await serve(t, await project(folder, tarball), { files });
  const browser = await launch(t);
  const { endpoint, apiKey } = gateway;
  // Minted now: a tab may be opened while the gateway is down.
  const tokens = {};
  for (const userId of ["ada", "bob", "grace"]) {
    tokens[userId] = await mintToken({ endpoint, apiKey, userId, channelIds });
  }
  const open = async (userId, more = {}) =>
    (await openChat(t, browser, url, { endpoint, token: tokens[userId], options: { outbox: "indexeddb" }, ...more })).page;
  const grace = await open("grace", { options: {} });
  await grace.evaluate(() => chat.subscribe({ channelIds: ["alpha"] }));
  return { gateway, open, grace };
}

/** Sends without waiting for the answers; resolves when all is in storage. */
async function write(page, contents) {
  const before = await keptBy(page);
  await page.evaluate((contents) => {
    globalThis.results ??= [];
    for (const content of contents) results.push(chat.sendMessage({ channelId: "alpha", content }));
  }, contents);
  await page.waitForFunction(countKept, before + contents.length);
}

const keptBy = (page) => page.evaluate(countKept);

async function connect(page) {
  const { status } = await page.evaluate(() => chat.connect());
  assert.deepEqual(status, { error: false });
}

/** Waits until the page has received exactly these contents, once and in this order. */
async function receives(page, contents) {
  await page.waitForFunction(
    (count) => events.filter((event) => event.type === "message.new").length >= count,
    contents.length,
    { timeout: 60_000 },
  );
  assert.deepEqual(await contentsOf(page), contents);
}

const contentsOf = (page) =>
  page.evaluate(() =>
    events.filter((event) => event.type === "message.new").map((event) => event.data.message.content),
  );

/** The events about messages of earlier pages, once all of them are answered. */
const restoredBy = (page) =>
  page.evaluate(() =>
    Promise.all(
      events
        .filter((event) => event.type === "outbox.restored")
        .map(async ({ data: { message, result } }) => [message.content, (await result).response?.message.content]),
    ),
  );

const pairs = (contents) => contents.map((content) => [content, content]);
const numbered = (name, count) => Array.from({ length: count }, (_, index) => `${name} ${index}`);

test("what is unsent at a reload is sent by the next page, before what that one sends", { timeout: 120_000 }, async (t) => {
  const { gateway, open, grace } = await stage(t);
  const ada = await open("ada");
  await connect(ada);
  await gateway.kill();
  const before = numbered("before", 20);
  await write(ada, before);
  await ada.reload();
  await ada.waitForFunction(() => document.title === "ready");
  const after = numbered("after", 5);
  await write(ada, after);
  await gateway.start();
  await receives(grace, [...before, ...after]);
  assert.deepEqual(await restoredBy(ada), pairs(before));
  const results = await ada.evaluate(() => Promise.all(results));
  assert.deepEqual(
    results.map(({ status }) => status.error),
    after.map(() => false),
  );
  await ada.waitForFunction(countKept, 0);
});

test("a crash in the middle of sends loses none and doubles none", { timeout: 120_000 }, async (t) => {
  const { open, grace } = await stage(t);
  const contents = numbered("message", 300);
  // Some are stored, some under way, some not begun, whenever it comes.
  const ada = await open("ada");
  await connect(ada);
  await ada.evaluate((contents) => {
    for (const content of contents) void chat.sendMessage({ channelId: "alpha", content });
  }, contents);
  await grace.waitForFunction(() => events.some((event) => event.type === "message.new"));
  const session = await ada.context().newCDPSession(ada);
  const crash = ada.waitForEvent("crash");
  // Never answered: the gateway is gone.
  void session.send("Page.crash").catch(() => {});
  await crash;
  const next = await open("ada", { beside: ada });
  await connect(next);
  await receives(grace, contents);
  const restored = await restoredBy(next);
  assert.deepEqual(restored, pairs(contents.slice(-restored.length || contents.length)));
});

test("an upload goes on where the page before has left it", { timeout: 120_000 }, async (t) => {
  const { gateway, open, grace } = await stage(t);
  const ada = await open("ada");
  await connect(ada);
  const requests = [];
  ada.on("request", (request) => request.url().includes("/v1/files") && requests.push(request));
  const digest = await ada.evaluate(async (size) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    const file = new File([bytes], "large.bin", { type: "application/octet-stream", lastModified: 1234 });
    globalThis.upload = () => void chat.sendMessage({ channelId: "alpha", content: "with a file", files: [file] });
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }, FILE_BYTES);
  await ada.evaluate(() => upload());
  const percent = await (
    await ada.waitForFunction(() => events.find((event) => event.data.percent >= 10)?.data.percent)
  ).jsonValue();
  assert.ok(percent < 100, "the upload was over");
  await ada.reload();
  await ada.waitForFunction(() => document.title === "ready");
  requests.length = 0;
  await connect(ada);
  await receives(grace, ["with a file"]);
  assert.deepEqual(await restoredBy(ada), pairs(["with a file"]));
  // First it requests the offset, and nothing starts over.
  assert.equal(requests[0].method(), "HEAD");
  assert.ok(requests.every((request) => request.method() !== "POST"));
  const sent = await ada.evaluate(async () => {
    const { data } = events.find((event) => event.type === "outbox.restored");
    const { response } = await data.result;
    const [file] = data.message.files;
    return { file: response.message.files[0], name: file.name, isFile: file instanceof File };
  });
  assert.deepEqual([sent.name, sent.isFile, sent.file.lastModified], ["large.bin", true, 1234]);
  const authToken = await mintToken({ ...gateway, endpoint: gateway.endpoint, apiKey: gateway.apiKey, userId: "grace", channelIds });
  const answer = await fetch(sent.file.url, { headers: { authorization: `Bearer ${authToken}` } });
  assert.equal(createHash("sha256").update(Buffer.from(await answer.arrayBuffer())).digest("hex"), digest);
});

test("tabs share no message: a closed one's are taken over by one of the others alone", { timeout: 120_000 }, async (t) => {
  const { gateway, open, grace } = await stage(t);
  const first = await open("ada");
  const others = [await open("ada", { beside: first }), await open("ada", { beside: first })];
  for (const page of [first, ...others]) await connect(page);
  await gateway.kill();
  const alive = numbered("alive", 10);
  await write(first, alive);
  await gateway.start();
  // Its own page sends them, and the others leave them alone.
  await receives(grace, alive);
  await gateway.kill();
  const left = numbered("left", 30);
  await write(first, left);
  await first.close();
  await gateway.start();
  await receives(grace, [...alive, ...left]);
  const restored = await Promise.all(others.map(restoredBy));
  assert.deepEqual(restored.flat(), pairs(left));
});

test("another user's messages are left alone", { timeout: 120_000 }, async (t) => {
  const { gateway, open, grace } = await stage(t);
  const ada = await open("ada");
  await connect(ada);
  await gateway.kill();
  await write(ada, ["ada's own"]);
  const bob = await open("bob", { beside: ada });
  await ada.close();
  await gateway.start();
  await connect(bob);
  await bob.evaluate(() => chat.sendMessage({ channelId: "alpha", content: "bob's" }));
  await receives(grace, ["bob's"]);
  assert.deepEqual(await restoredBy(bob), []);
  const again = await open("ada", { beside: bob });
  await connect(again);
  await receives(grace, ["bob's", "ada's own"]);
  const users = await grace.evaluate(() =>
    events.filter((event) => event.type === "message.new").map((event) => event.data.message.userId),
  );
  assert.deepEqual(users, ["bob", "ada"]);
});

test("disconnect() forgets what it has answered", { timeout: 120_000 }, async (t) => {
  const { gateway, open, grace } = await stage(t);
  const ada = await open("ada");
  await connect(ada);
  await gateway.kill();
  await write(ada, ["never"]);
  await ada.evaluate(() => chat.disconnect());
  const [{ status }] = await ada.evaluate(() => Promise.all(results));
  assert.equal(status.errorData.code, "disconnected");
  await ada.waitForFunction(countKept, 0);
  await gateway.start();
  await ada.reload();
  await ada.waitForFunction(() => document.title === "ready");
  await ada.evaluate(() => chat.sendMessage({ channelId: "alpha", content: "later" }));
  await receives(grace, ["later"]);
});

const failures = {
  "no IndexedDB": () => Object.defineProperty(globalThis, "indexedDB", { value: undefined }),
  "no locks": () => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }),
  "a private mode that refuses": () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    };
  },
  "a database that does not answer": () => {
    IDBFactory.prototype.open = () => new EventTarget();
  },
  "storage that is full": () => {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("Quota exceeded.", "QuotaExceededError");
    };
  },
  "a transaction that fails in the end": () => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...all) {
      const request = put.apply(this, all);
      this.transaction.abort();
      return request;
    };
  },
};
for (const [name, prepare] of Object.entries(failures)) {
  test(`${name}: the outbox falls back to memory and says so`, { timeout: 120_000 }, async (t) => {
    const { open, grace } = await stage(t);
    const ada = await open("ada", { prepare });
    const contents = numbered("message", 5);
    const sent = await ada.evaluate(
      (contents) => Promise.all(contents.map((content) => chat.sendMessage({ channelId: "alpha", content }))),
      contents,
    );
    assert.deepEqual(
      sent.map(({ status }) => status.error),
      contents.map(() => false),
    );
    await receives(grace, contents);
    const warnings = await ada.evaluate(() => events.filter((event) => event.type === "outbox.warning"));
    assert.equal(warnings.length, 1, JSON.stringify(warnings));
    const { code, message } = warnings[0].data.error;
    assert.equal(code, "outbox-unavailable");
    assert.match(message, /^outbox: kept in memory alone; /);
  });
}

test("without the option nothing is stored and nothing more is loaded", { timeout: 120_000 }, async (t) => {
  const { open } = await stage(t);
  const ada = await open("ada", { options: {} });
  await connect(ada);
  await ada.evaluate(() => chat.sendMessage({ channelId: "alpha", content: "hello" }));
  assert.deepEqual(await ada.evaluate(() => indexedDB.databases()), []);
  const loaded = await ada.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
  assert.ok(!loaded.some((name) => name.endsWith("/outbox.js")), loaded.join());
});
