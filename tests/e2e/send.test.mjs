// The documentation's snippets, to the letter, in a page with the packed package.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { launch } from "../support/chromium.mjs";
import { required, root } from "../support/environment.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { files, openChat } from "../support/page.mjs";
import { serve } from "../support/serve.mjs";

const endpoint = required("ALO_TEST_ENDPOINT");
const apiKey = required("ALO_TEST_API_KEY");
const PARENT = "8e8a4e05-12e3-43b5-882e-d9711426f8e3";
const snippet = (name) => readFile(join(root, "tests/e2e/seed", name), "utf8");
const send = await snippet("send.js");
const receive = await snippet("receive.js");

/** Two users' pages. */
async function twoPages(t) {
  const folder = await temporaryFolder(t);
  const { tarball } = await pack(folder);
  const { url } = await serve(t, await project(folder, tarball), { files });
  const browser = await launch(t);
  const open = (userId) => openChat(t, browser, url, { endpoint, apiKey, userId, channelIds: ["alpha", "bravo"] });
  return [await open("ada"), await open("grace")];
}

/** Runs the snippet that listens, and waits until the gateway has confirmed. */
async function listen({ page }) {
  await page.addScriptTag({ content: receive });
  const { status } = await page.evaluate(() => chat.subscribe({ channelIds: ["alpha", "bravo"] }));
  assert.equal(status.error, false);
}

/** The next message the listening snippet logs that `matches`. None is missed while another is read. */
function logged({ page }, matches) {
  return new Promise((resolve, reject) => {
    const read = async (line) => {
      if (!line.text().startsWith("New message:")) return;
      assert.equal(line.args().length, 2);
      const message = await line.args()[1].jsonValue();
      if (!matches(message)) return;
      page.off("console", onConsole);
      resolve(message);
    };
    const onConsole = (line) => void read(line).catch(reject);
    page.on("console", onConsole);
  });
}

test("the listening snippet logs messages of both channels", { timeout: 60_000 }, async (t) => {
  const [ada, grace] = await twoPages(t);
  await listen(grace);
  for (const channelId of ["alpha", "bravo"]) {
    const content = `to ${channelId} at ${Date.now()}`;
    const seen = logged(grace, (message) => message.content === content);
    const sent = await ada.page.evaluate((options) => chat.sendMessage(options), { channelId, content });
    assert.equal(sent.status.error, false);
    assert.deepEqual(await seen, sent.response.message);
    assert.equal(sent.response.message.userId, "ada");
    assert.equal(sent.response.message.channelId, channelId);
  }
  assert.deepEqual([...ada.problems, ...grace.problems], []);
});

test("the sending snippet, whose parent nobody has, logs why it failed", { timeout: 60_000 }, async (t) => {
  const [ada] = await twoPages(t);
  const failure = ada.page.waitForEvent("console", (line) => line.text().includes("Send Message Failed"));
  await ada.page.addScriptTag({ content: send });
  const text = (await failure).text();
  assert.match(text, /^Send Message Failed:\n\s+Reason: \S.+\n\s+\(Status Code: 404\)\n\s*$/);
  assert.deepEqual(ada.problems, []);
});

test("the sending snippet with a parent that exists sends the reply", { timeout: 60_000 }, async (t) => {
  const [ada, grace] = await twoPages(t);
  await listen(ada);
  await listen(grace);
  const parent = await grace.page.evaluate(() => chat.sendMessage({ channelId: "alpha", content: "the parent" }));
  const parentId = parent.response.message.id;
  const failures = [];
  ada.page.on("console", (line) => line.text().includes("Failed") && failures.push(line.text()));

  const isReply = (message) => message.parent?.id === parentId;
  const seen = Promise.all([logged(ada, isReply), logged(grace, isReply)]);
  assert.equal(send.split(PARENT).length, 2);
  await ada.page.addScriptTag({ content: send.replace(PARENT, parentId) });
  const [own, other] = await seen;

  assert.deepEqual(own, other);
  assert.equal(own.content, "<p>Hello, World!</p>");
  assert.deepEqual(own.metadata, { coordinates: "27.9881,86.9250", temperature: "69.3" });
  assert.equal(own.rootMessageId, parentId);
  assert.equal(own.parent.content, "the parent");
  assert.deepEqual(own.files, []);
  assert.deepEqual(failures, []);
  assert.deepEqual([...ada.problems, ...grace.problems], []);
});
