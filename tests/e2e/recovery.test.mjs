// The gateway is killed with SIGKILL in the middle of sends and of an upload, and started again:
// every promise resolves, and every message is there once and in order, for everyone.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { launch } from "../support/chromium.mjs";
import { required } from "../support/environment.mjs";
import { Gateway } from "../support/gateway.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { files, openChat } from "../support/page.mjs";
import { FaultyProxy } from "../support/proxy.mjs";
import { random } from "../support/random.mjs";
import { serve } from "../support/serve.mjs";

const MESSAGES = 400;
const IN_FLIGHT = 16;
const FILE_BYTES = 32 * 1024 * 1024;
/** Of the network, so that the upload has many slices on any machine. */
const BYTES_PER_SECOND = 4 * 1024 * 1024;
/** The gateway is killed when the upload stands here. */
const KILLS_AT_PERCENT = [15, 50];

test("nothing is lost, doubled or reordered when the gateway is killed", { timeout: 240_000 }, async (t) => {
  const gateway = new Gateway(t, {
    binary: required("ALO_GATEWAY"),
    data: await temporaryFolder(t),
    apiKey: "a key for this test alone",
  });
  await gateway.start();
  const folder = await temporaryFolder(t);
  const { tarball } = await pack(folder);
  const { url } = await serve(t, await project(folder, tarball), { files });
  const browser = await launch(t);
  const network = new FaultyProxy(t, gateway.endpoint, random(1), { bytesPerSecond: BYTES_PER_SECOND });
  const endpoint = await network.listen();
  const { apiKey } = gateway;
  const open = (userId) => openChat(t, browser, url, { endpoint, apiKey, userId, channelIds: ["alpha"] });
  const ada = await open("ada");
  const grace = await open("grace");
  for (const { page } of [ada, grace]) {
    const { status } = await page.evaluate(() => chat.subscribe({ channelIds: ["alpha"] }));
    assert.equal(status.error, false);
  }

  // Killed from within the upload's own progress events, so that it is half done for certain.
  const kills = [];
  const pending = [...KILLS_AT_PERCENT];
  await ada.page.exposeFunction("progressed", async (percent, settled) => {
    if (pending.length === 0 || percent < pending[0]) return;
    pending.shift();
    kills.push({ percent, settled });
    await gateway.kill();
    await gateway.start();
  });
  const { results, upload, digest } = await ada.page.evaluate(sendAll, [MESSAGES, IN_FLIGHT, FILE_BYTES]);

  assert.equal(kills.length, KILLS_AT_PERCENT.length);
  for (const { percent, settled } of kills) {
    assert.ok(percent < 100, `the upload was over: ${percent} %`);
    assert.ok(settled < MESSAGES, `the sends were over: ${settled}`);
  }
  for (const result of [...results, upload]) assert.deepEqual(result.status, { error: false });

  // What was sent comes to both before this.
  const last = await grace.page.evaluate(() => chat.sendMessage({ channelId: "alpha", content: "the end" }));
  assert.equal(last.status.error, false);
  const sentIds = results.map((result) => result.response.message.id);
  const fileId = upload.response.message.id;
  for (const { page } of [ada, grace]) {
    await page.waitForFunction(() => events.some((event) => event.data.message?.content === "the end"));
    const seen = await page.evaluate(() =>
      events.filter((event) => event.type === "message.new").map((event) => event.data.message),
    );
    assert.deepEqual(
      seen.map((message) => message.id).filter((id) => id !== fileId),
      [...sentIds, last.response.message.id],
    );
    assert.equal(seen.filter((message) => message.id === fileId).length, 1);
    const others = await page.evaluate(() =>
      events.map((event) => event.type).filter((type) => ["channel.gap", "status.failed", "file.upload.error"].includes(type)),
    );
    assert.deepEqual(others, []);
    const lost = await page.evaluate(() => events.filter((event) => event.type === "status.disconnected").length);
    assert.ok(lost >= 1, "the page never noticed");
  }

  // The file is whole.
  const [file] = upload.response.message.files;
  const answer = await fetch(file.url, { headers: { authorization: `Bearer ${grace.authToken}` } });
  assert.equal(answer.status, 200);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of answer.body) {
    hash.update(chunk);
    size += chunk.length;
  }
  assert.equal(size, FILE_BYTES);
  assert.equal(hash.digest("hex"), digest);
});

/** Runs in the page: sends messages, some at a time, for as long as a file goes up beside them. */
async function sendAll([messages, inFlight, fileBytes]) {
  const bytes = new Uint8Array(fileBytes);
  for (let at = 0; at < fileBytes; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const digest = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const file = new File([bytes], "large.bin", { type: "application/octet-stream" });

  let settled = 0;
  let next = 0;
  let percent = 0;
  const goOn = [];
  const advance = (to) => {
    percent = to;
    for (const wake of goOn.splice(0)) wake();
  };
  chat.addEventListener("file.upload.progress", (event) => {
    advance(event.data.percent);
    void progressed(percent, settled);
  });
  chat.addEventListener("file.upload.complete", () => advance(100));
  // In step with the upload, so that neither is over before the other.
  const due = async (index) => {
    while (index >= inFlight + (messages * percent) / 100) await new Promise((wake) => goOn.push(wake));
  };
  const results = [];
  const worker = async () => {
    for (let index = next++; index < messages; index = next++) {
      await due(index);
      results[index] = await chat.sendMessage({ channelId: "alpha", content: `message ${index}` });
      settled += 1;
    }
  };
  const upload = chat.sendMessage({ channelId: "alpha", content: "with a file", files: [file] });
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { results, upload: await upload, digest };
}
