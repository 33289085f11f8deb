// Pages without a network, frozen, hidden and taken out of the back-forward cache, as far as Chromium lets a
// test do it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch } from "../support/chromium.mjs";
import { required } from "../support/environment.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { files, openChat } from "../support/page.mjs";
import { serve } from "../support/serve.mjs";

const endpoint = required("ALO_TEST_ENDPOINT");
const apiKey = required("ALO_TEST_API_KEY");

/** Ada, who sends, and Grace, who listens. */
async function twoPages(t, outbox) {
  const folder = await temporaryFolder(t);
  const { tarball } = await pack(folder);
  const { url } = await serve(t, await project(folder, tarball), {
    files: { ...files, "/other.html": "<!doctype html><title>other</title>" },
  });
  const browser = await launch(t, { without: ["--disable-back-forward-cache"] });
  const options = { outbox };
  const open = (userId) => openChat(t, browser, url, { endpoint, apiKey, userId, channelIds: ["alpha"], options });
  const [ada, grace] = [await open("ada"), await open("grace")];
  await grace.page.evaluate(() => chat.subscribe({ channelIds: ["alpha"] }));
  await ada.page.evaluate(() => chat.connect());
  return { ada: ada.page, grace: grace.page, url };
}

let number = 0;

/** Sends this many messages; returns their ids. */
async function send(page, count) {
  const contents = Array.from({ length: count }, () => `message ${number++}`);
  return page.evaluate(async (contents) => {
    const sent = await Promise.all(contents.map((content) => chat.sendMessage({ channelId: "alpha", content })));
    return sent.map(({ status, response }) => (status.error ? status.errorData.code : response.message.id));
  }, contents);
}

/** Waits until the page has received exactly these, once and in order. */
async function receives(page, ids) {
  await page.waitForFunction((id) => events.some((event) => event.data.message?.id === id), ids.at(-1), {
    timeout: 60_000,
  });
  const received = await page.evaluate(() =>
    events.filter((event) => event.type === "message.new").map((event) => event.data.message.id),
  );
  assert.deepEqual(received, ids);
  const gaps = await page.evaluate(() => events.filter((event) => event.type === "channel.gap").length);
  assert.equal(gaps, 0);
}

test("what is sent and missed while offline comes when the network does", { timeout: 120_000 }, async (t) => {
  const { ada, grace } = await twoPages(t);
  const before = await send(ada, 3);
  await receives(grace, before);
  await grace.context().setOffline(true);
  const missed = await send(ada, 20);
  await ada.context().setOffline(true);
  // Not awaited: it waits for the network.
  const waiting = send(ada, 5);
  await ada.context().setOffline(false);
  const late = await waiting;
  await grace.context().setOffline(false);
  await receives(grace, [...before, ...missed, ...late]);
});

test("a frozen page receives what it missed when it thaws", { timeout: 120_000 }, async (t) => {
  const { ada, grace } = await twoPages(t);
  const session = await grace.context().newCDPSession(grace);
  const before = await send(ada, 2);
  await receives(grace, before);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  const missed = await send(ada, 200);
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await receives(grace, [...before, ...missed]);
});

for (const outbox of ["memory", "indexeddb"]) {
  test(`a page comes back from the back-forward cache and goes on, outbox: ${outbox}`, { timeout: 120_000 }, async (t) => {
    const { ada, grace, url } = await twoPages(t, outbox);
    const before = await send(ada, 2);
    await receives(grace, before);
    await grace.evaluate(() => {
      globalThis.shown = new Promise((resolve) => addEventListener("pageshow", ({ persisted }) => resolve(persisted)));
    });
    await grace.goto(`${url}other.html`);
    const missed = await send(ada, 5);
    await grace.goBack({ waitUntil: "commit" });
    const reasons = await grace.evaluate(() => performance.getEntriesByType("navigation")[0].notRestoredReasons?.toJSON());
    assert.equal(await grace.evaluate(() => globalThis.shown), true, JSON.stringify(reasons));
    await receives(grace, [...before, ...missed]);
  });
}
