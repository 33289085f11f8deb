// Which page of history the example loads when, over an SDK whose answers come when the test lets them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { exampleModules } from "../support/bundle.mjs";
import { History } from "../support/history.mjs";

const { ChannelLog, HistoryLoader } = await exampleModules("state/log.ts", "chat/history.ts");

const END = { kind: "end" };
const filled = (count) => {
  const log = new History();
  for (let index = 0; index < count; index++) log.write();
  return log;
};

/** A channel over a log, and an SDK whose answers come when the test lets them. */
function loading(history) {
  const channel = {
    id: "alpha",
    name: "alpha",
    log: new ChannelLog("me"),
    loads: { window: { state: "idle" }, older: { state: "idle" }, newer: { state: "idle" } },
    place: END,
  };
  const calls = [];
  const call = (kind) => (options) =>
    new Promise((resolve) => {
      const answer = (result) => {
        resolve(result);
        return new Promise(setImmediate);
      };
      const page = () => (kind === "page" ? history.page(options) : history.around(options));
      calls.push({
        kind,
        options,
        succeed: () => answer({ status: { error: false }, response: page() }),
        fail: (retryable = true) =>
          answer({
            status: { error: true, errorData: { message: "no", code: "unavailable", statusCode: 503, retryable } },
          }),
      });
    });
  const source = { fetchHistory: call("page"), fetchHistoryAround: call("around") };
  const opened = [];
  const loader = new HistoryLoader(
    source,
    () => undefined,
    () => opened.push(channel.log.newest?.seq),
  );
  return { channel, calls, loader, opened };
}

describe("loading", () => {
  test("a channel opens with its newest page, once", async () => {
    const { channel, calls, loader, opened } = loading(filled(250));
    loader.open(channel);
    loader.open(channel);
    assert.equal(calls.length, 1);
    assert.equal(channel.loads.window.state, "loading");
    await calls[0].succeed();
    loader.open(channel);
    assert.equal(calls.length, 1);
    assert.equal(channel.log.rows().length, 100);
    assert.deepEqual(opened, [250]);
  });

  test("each side loads one page at a time, by its token", async () => {
    const { channel, calls, loader } = loading(filled(250));
    loader.open(channel);
    await calls[0].succeed();
    loader.extend(channel, "older");
    loader.extend(channel, "older");
    loader.extend(channel, "newer");
    assert.equal(calls.length, 2);
    assert.equal(calls[1].options.olderPageToken, "o:m151");
    await calls[1].succeed();
    loader.extend(channel, "older");
    await calls[2].succeed();
    loader.extend(channel, "older");
    assert.equal(calls.length, 3, "nothing is before the first message");
    assert.equal(channel.log.rows().length, 250);
  });

  test("a page that failed is loaded again when asked, not before", async () => {
    const { channel, calls, loader } = loading(filled(250));
    loader.open(channel);
    await calls[0].succeed();
    loader.extend(channel, "older");
    await calls[1].fail();
    assert.equal(channel.loads.older.state, "failed");
    loader.extend(channel, "older");
    assert.equal(calls.length, 2);
    loader.retry(channel);
    await calls[2].succeed();
    assert.equal(channel.log.rows().length, 200);
  });

  test("a connection tries again what failed for want of one", async () => {
    const { channel, calls, loader } = loading(filled(5));
    loader.open(channel);
    await calls[0].fail(false);
    loader.connected();
    assert.equal(calls.length, 1);
    loader.retry(channel);
    await calls[1].fail(true);
    loader.connected();
    await calls[2].succeed();
    assert.equal(channel.log.rows().length, 5);
  });

  test("an edge that is refused opens the place again", async () => {
    const { channel, calls, loader } = loading(filled(250));
    loader.open(channel);
    await calls[0].succeed();
    channel.place = { kind: "message", id: "m170", top: 0 };
    loader.extend(channel, "older");
    await calls[1].fail(false);
    loader.retry(channel);
    assert.deepEqual([calls[2].kind, calls[2].options.messageId], ["around", "m170"]);
  });

  test("going to a message loads around it, and the present comes back", async () => {
    const { channel, calls, loader } = loading(filled(5000));
    loader.open(channel);
    await calls[0].succeed();
    const going = loader.goTo(channel, "m1000");
    await calls[1].succeed();
    assert.ok(await going);
    assert.equal(channel.log.rows().length, 101);
    assert.equal(channel.log.atPresent, false);
    assert.ok(await loader.goTo(channel, "m1001"));
    assert.equal(calls.length, 2, "it is there already");
    const returning = loader.present(channel);
    await calls[2].succeed();
    assert.ok(await returning);
    assert.ok(channel.log.atPresent);
  });

  test("a message that cannot be loaded leaves the channel as it is", async () => {
    const { channel, calls, loader } = loading(filled(200));
    loader.open(channel);
    await calls[0].succeed();
    const going = loader.goTo(channel, "m1");
    await calls[1].fail();
    assert.equal(await going, false);
    assert.equal(channel.log.rows().length, 100);
    assert.equal(channel.loads.window.state, "failed");
    loader.connected();
    assert.equal(calls.length, 2, "nobody is taken away from what they read");
    loader.dismiss(channel);
    assert.equal(channel.loads.window.state, "idle");
  });

  test("after a gap the same place is loaded again, and older answers are not taken", async () => {
    const { channel, calls, loader } = loading(filled(500));
    loader.open(channel);
    await calls[0].succeed();
    loader.extend(channel, "older");
    channel.place = { kind: "message", id: "m450", top: 0 };
    loader.gap(channel);
    assert.ok(calls[1].options.signal.aborted);
    await calls[1].succeed();
    assert.equal(channel.log.opened, false);
    assert.equal(calls[2].options.messageId, "m450");
    await calls[2].succeed();
    assert.equal(channel.log.rows()[0].id, "m400");
  });

  test("where the place itself is gone after a gap, the newest page is loaded", async () => {
    const { channel, calls, loader } = loading(filled(500));
    loader.open(channel);
    await calls[0].succeed();
    channel.place = { kind: "message", id: "m450", top: 0 };
    loader.gap(channel);
    await calls[1].fail(false);
    assert.equal(calls[2].kind, "page");
    await calls[2].succeed();
    assert.ok(channel.log.atPresent);
  });

  test("a gap in a channel that nobody has opened loads nothing", () => {
    const { channel, calls, loader } = loading(filled(500));
    loader.gap(channel);
    assert.equal(calls.length, 0);
  });
});
