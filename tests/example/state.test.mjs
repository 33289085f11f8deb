// What the example's message list is made of: the log of a channel, its loads, the line where reading
// stopped, the rows and their heights.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { exampleModules } from "../support/bundle.mjs";
import { History } from "../support/history.mjs";
import { random } from "../support/random.mjs";

const { ChannelLog, HELD, HistoryLoader, Heights, Reading, rowsOf } = await exampleModules(
  "state/log.ts",
  "state/reading.ts",
  "state/rows.ts",
  "state/heights.ts",
  "chat/history.ts",
);

const END = { kind: "end" };
const filled = (count, fields) => {
  const log = new History();
  for (let index = 0; index < count; index++) log.write(fields);
  return log;
};
const contents = (log) => log.rows().map(({ content }) => content);
const own = (key, content) => ({ kind: "message", key, channelId: "alpha", userId: "me", own: true, content, time: 1, state: "sending", files: [], uploads: [] });

describe("the log of a channel", () => {
  test("an own message keeps its entry from sending to its event", () => {
    const history = filled(2);
    const log = new ChannelLog("me");
    log.open(history.page());
    const entry = own("tag", "mine");
    log.add(entry);
    assert.deepEqual(contents(log), ["message m1", "message m2", "mine"]);
    const stored = history.write({ userId: "me", content: "mine", metadata: { clientId: "tag" } });
    assert.equal(log.received(stored, END), undefined);
    log.resolved(entry, stored);
    assert.equal(log.rows().at(-1), entry);
    assert.deepEqual(contents(log), ["message m1", "message m2", "mine"]);
    assert.equal(entry.seq, 3);
  });

  test("a tag repeated by someone else is not believed", () => {
    const log = new ChannelLog("me");
    log.open(filled(0).page());
    log.add(own("tag", "mine"));
    const history = filled(1, { userId: "eve", metadata: { clientId: "tag" } });
    assert.ok(log.received(history.newest, END));
    assert.equal(log.rows().length, 2);
    assert.ok(log.unsent);
  });

  test("own messages on their way stand at the present only", () => {
    const history = filled(500);
    const log = new ChannelLog("me");
    log.open(history.around({ messageId: "m100", limit: 20 }));
    const entry = own("tag", "mine");
    log.add(entry);
    assert.ok(!contents(log).includes("mine"));
    log.received(history.write({ userId: "me", content: "mine", metadata: { clientId: "tag" } }), END);
    assert.ok(!contents(log).includes("mine"));
    log.open(history.page());
    assert.equal(contents(log).at(-1), "mine");
  });

  test("an own message whose event a gap has swallowed is found in the page that is loaded then", () => {
    const history = filled(3);
    const log = new ChannelLog("me");
    log.open(history.page());
    const entry = own("tag", "mine");
    log.add(entry);
    log.resolved(entry, history.write({ userId: "me", content: "mine", metadata: { clientId: "tag" } }));
    log.gap();
    assert.deepEqual(contents(log), ["message m1", "message m2", "message m3"], "what was read stays in view");
    log.open(history.page());
    assert.deepEqual(contents(log), ["message m1", "message m2", "message m3", "mine"]);
  });

  test("a message that is loaded again is the same entry", () => {
    const history = filled(3);
    const log = new ChannelLog("me");
    log.open(history.page());
    const [, second] = log.rows();
    log.gap();
    log.open(history.page());
    assert.equal(log.rows()[1], second);
  });

  test("it holds a bounded number of messages, and never drops those around the reader", () => {
    const history = filled(5000);
    const log = new ChannelLog("me");
    log.open(history.page());
    while (log.edge("older").kind !== "end") {
      const place = { kind: "message", id: log.rows()[20].id, top: 0 };
      const edge = log.edge("older");
      const page = edge.kind === "token" ? history.page({ olderPageToken: edge.token }) : history.around(edge);
      log.extend("older", edge, page, place);
      assert.ok(log.rows().length <= HELD + 100, `${log.rows().length} are held`);
      assert.ok(log.find(place.id));
    }
    assert.equal(log.rows()[0].id, "m1");
    assert.equal(log.atPresent, false);
    // Someone at the lower end of what is loaded keeps what is there.
    const place = { kind: "message", id: log.rows().at(-1).id, top: 0 };
    for (let index = 0; index < 30; index++) log.extend("newer", log.edge("newer"), history.page({ newerPageToken: log.edge("newer").token }), place);
    assert.ok(log.find(place.id));
  });

  test("a channel that is watched for days holds a bounded number too", () => {
    const history = filled(10);
    const log = new ChannelLog("me");
    log.open(history.page());
    for (let index = 0; index < 5000; index++) log.received(history.write(), END);
    assert.ok(log.rows().length <= HELD);
    assert.equal(log.edge("older").kind, "around");
    const place = { kind: "message", id: log.rows()[10].id, top: 0 };
    for (let index = 0; index < 5000; index++) log.received(history.write(), place);
    assert.ok(log.rows().length <= 2 * HELD);
    assert.ok(log.find(place.id));
  });
});

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
        fail: (retryable = true) => answer({ status: { error: true, errorData: { message: "no", code: "unavailable", statusCode: 503, retryable } } }),
      });
    });
  const source = { fetchHistory: call("page"), fetchHistoryAround: call("around") };
  const opened = [];
  const loader = new HistoryLoader(source, () => undefined, () => opened.push(channel.log.newest?.seq));
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

  test("an edge that is refused opens the place anew", async () => {
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

  test("a message that cannot be had leaves the channel as it is", async () => {
    const { channel, calls, loader } = loading(filled(200));
    loader.open(channel);
    await calls[0].succeed();
    const going = loader.goTo(channel, "m1");
    await calls[1].fail(false);
    assert.equal(await going, false);
    assert.equal(channel.log.rows().length, 100);
    assert.equal(channel.loads.window.state, "failed");
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

describe("where reading stopped", () => {
  class Memory extends Map {
    getItem = (key) => this.get(key) ?? null;
    setItem = (key, value) => void this.set(key, value);
  }
  const again = (storage) => new Reading(storage, "me", "alpha");

  test("there is no line on the first visit, nor where all was read", () => {
    const storage = new Memory();
    const reading = again(storage);
    reading.begin(10);
    assert.equal(reading.line, undefined);
    reading.read(10);
    reading.begin(10);
    assert.equal(reading.line, undefined);
    const later = again(storage);
    later.begin(10);
    assert.equal(later.line, undefined);
  });

  test("what came since the last visit is below the line, which stays while it is read", () => {
    const storage = new Memory();
    again(storage).read(7);
    const reading = again(storage);
    reading.begin(10);
    reading.read(10);
    assert.equal(reading.line, 7);
    reading.arrived(11, true);
    assert.equal(reading.line, 7);
    reading.begin(11);
    assert.equal(reading.line, undefined);
  });

  test("what comes unseen is below the line, from the first one on", () => {
    const reading = again(new Memory());
    reading.begin(10);
    reading.read(10);
    reading.arrived(12, false);
    reading.arrived(13, false);
    assert.equal(reading.line, 11);
    reading.read(13);
    reading.arrived(14, false);
    assert.equal(reading.line, 13, "what was above the line has been read");
    reading.answered();
    assert.equal(reading.line, undefined);
  });

  test("it is kept for each user and channel, and only grows", () => {
    const storage = new Memory();
    const reading = again(storage);
    reading.read(7);
    reading.read(5);
    const other = new Reading(storage, "you", "alpha");
    other.begin(9);
    assert.equal(other.line, undefined);
    const later = again(storage);
    later.begin(9);
    assert.equal(later.line, 7);
  });

  test("a log that was replaced by an older copy counts from there", () => {
    const storage = new Memory();
    again(storage).read(100);
    const reading = again(storage);
    reading.begin(40);
    reading.arrived(41, false);
    assert.equal(reading.line, 40);
  });

  test("storage that is broken or full is done without", () => {
    const reading = new Reading({ getItem: () => "?", setItem: () => { throw new Error("full"); } }, "me", "alpha");
    reading.read(3);
    reading.begin(5);
    assert.equal(reading.line, 3);
  });
});

describe("rows", () => {
  const DAY = 86_400_000;
  const entry = (seq, fields = {}) => ({ kind: "message", key: `m${seq}`, seq, userId: "ada", own: false, time: seq * 1000 + 10 * DAY, ...fields });
  const rows = (fields) => rowsOf({ entries: [], line: undefined, fromBeginning: false, atPresent: true, forbidden: false, ...fields });
  const keys = (fields) => rows(fields).map(({ key }) => key);

  test("stand by day and author", () => {
    const entries = [entry(1), entry(2), entry(3, { userId: "eve" }), entry(4, { userId: "eve", time: 12 * DAY }), entry(5, { userId: "eve", time: 12 * DAY + 400_000 })];
    assert.deepEqual(keys({ entries }), ["older", "day-m1", "m1", "m2", "m3", "day-m4", "m4", "m5"]);
    assert.deepEqual(
      rows({ entries }).filter(({ continued }) => continued).map(({ key }) => key),
      ["m2"],
    );
  });

  test("have the line before the first message of another that was not read", () => {
    const entries = [entry(1), entry(2), entry(3, { own: true }), entry(4)];
    assert.deepEqual(keys({ entries, line: 2 }), ["older", "day-m1", "m1", "m2", "m3", "unread", "m4"]);
  });

  test("have no line where it cannot be known to belong", () => {
    const entries = [entry(11), entry(12)];
    assert.ok(!keys({ entries, line: 2 }).includes("unread"));
    assert.deepEqual(keys({ entries, line: 2, fromBeginning: true }), ["older", "day-m11", "unread", "m11", "m12"]);
  });

  test("end where more is to be loaded, or nothing may be", () => {
    assert.deepEqual(keys({ atPresent: false }), ["older", "newer"]);
    assert.deepEqual(keys({ atPresent: false, forbidden: true }), ["older", "forbidden"]);
  });
});

describe("heights", () => {
  test("the range covers the stretch wherever the anchor is", () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    const dice = random(seed);
    for (let round = 0; round < 2000; round++) {
      const rows = Array.from({ length: 1 + dice.below(60) }, (_, index) => ({ key: `k${index}`, kind: dice.pick(["a", "b"]) }));
      const heights = new Heights();
      for (const row of rows) if (dice.below(2)) heights.set(row, dice.below(200));
      const anchor = dice.below(rows.length);
      const top = dice.below(4000) - 2000;
      const [above, below] = [-500, 1000];
      const [start, end] = heights.range(rows, anchor, top, above, below);
      const topOf = (index) => top + heights.between(rows, anchor, index);
      for (const index of rows.keys()) {
        const within = topOf(index) < below && topOf(index + 1) > above;
        if (within) assert.ok(index >= start && index < end, `SEED=${seed}: row ${index} of [${start}, ${end})`);
      }
      assert.ok(end - start < 2 || topOf(start + 1) >= above - 0.001, `SEED=${seed}: no more than needed above`);
      assert.ok(end - start < 2 || topOf(end - 1) < below, `SEED=${seed}: no more than needed below`);
    }
  });

  test("of a kind are supposed to be as those that were measured", () => {
    const heights = new Heights();
    heights.set({ key: "1", kind: "a" }, 20);
    heights.set({ key: "2", kind: "a" }, 40);
    assert.equal(heights.of({ key: "3", kind: "a" }), 30);
    assert.equal(heights.set({ key: "1", kind: "a" }, 20.2), false);
    assert.equal(heights.set({ key: "1", kind: "a" }, 60), true);
    assert.equal(heights.of({ key: "3", kind: "a" }), 50);
  });
});
