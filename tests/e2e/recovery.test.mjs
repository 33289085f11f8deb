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

const IN_FLIGHT = 4;
const FILE_BYTES = 32 * 1024 * 1024;
/** Of the network, so that the upload lasts on any machine. */
const BYTES_PER_SECOND = 4 * 1024 * 1024;
/** The gateway is killed when it has got so much; the upload cannot be over then. */
const KILLS_AT_BYTES = [FILE_BYTES / 8, FILE_BYTES / 2];

test("nothing is lost, doubled or reordered when the gateway is killed", { timeout: 240_000 }, async (t) => {
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

  const killing = async () => {
    for (const bytes of KILLS_AT_BYTES) {
      await network.carried(bytes);
      await gateway.kill();
      await gateway.start();
    }
  };
  const [{ results, upload, digest }] = await Promise.all([
    ada.page.evaluate(sendAll, [IN_FLIGHT, FILE_BYTES]),
    killing(),
  ]);
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

  // The file is complete.
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
async function sendAll([inFlight, fileBytes]) {
  const bytes = new Uint8Array(fileBytes);
  for (let at = 0; at < fileBytes; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const digest = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const file = new File([bytes], "large.bin", { type: "application/octet-stream" });

  let isUp = false;
  const results = [];
  const worker = async () => {
    while (!isUp) {
      const index = results.push(undefined) - 1;
      results[index] = await chat.sendMessage({ channelId: "alpha", content: `message ${index}` });
    }
  };
  const sending = async () => {
    const result = await chat.sendMessage({ channelId: "alpha", content: "with a file", files: [file] });
    isUp = true;
    return result;
  };
  const [upload] = await Promise.all([sending(), ...Array.from({ length: inFlight }, worker)]);
  return { results, upload, digest };
}
