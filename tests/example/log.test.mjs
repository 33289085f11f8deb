// The log of a channel in the example: what is stored, and own messages on their way.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { exampleModules } from "../support/bundle.mjs";
import { History } from "../support/history.mjs";

const { ChannelLog, HELD } = await exampleModules("state/log.ts");

const END = { kind: "end" };
const filled = (count, fields) => {
  const log = new History();
  for (let index = 0; index < count; index++) log.write(fields);
  return log;
};
const contents = (log) => log.rows().map(({ content }) => content);
const own = (key, content) => ({
  kind: "message",
  key,
  channelId: "alpha",
  userId: "me",
  own: true,
  content,
  time: 1,
  state: "sending",
  files: [],
  uploads: [],
});

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
    for (let index = 0; index < 30; index++)
      log.extend("newer", log.edge("newer"), history.page({ newerPageToken: log.edge("newer").token }), place);
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

  test("a deleted message disappears, and a page that was read before does not show it again", () => {
    const history = filled(6);
    const log = new ChannelLog("me");
    log.open(history.page());
    const parent = log.find("m2");
    const reply = history.write({ content: "a reply", parent: { id: parent.id, userId: "x", content: "old", files: [] } });
    log.received(reply, END);
    assert.equal(log.find(reply.id).quote.id, "m2");
    const before = history.page();
    log.deleted("m2");
    assert.deepEqual(contents(log), ["message m1", "message m3", "message m4", "message m5", "message m6", "a reply"]);
    assert.equal(log.find(reply.id).quote, undefined);
    log.open(before);
    assert.equal(log.find("m2"), undefined);
    log.deleted("unknown");
    assert.equal(log.rows().length, 6);
  });

  test("a window that ends at a message that is deleted continues from the next", () => {
    const history = filled(10);
    const log = new ChannelLog("me");
    log.open(history.page());
    for (let index = 0; index < 2000; index++) log.received(history.write(), END);
    assert.equal(log.edge("older").kind, "around");
    const [first, second] = log.rows();
    log.deleted(first.id);
    assert.deepEqual(log.edge("older"), { kind: "around", messageId: second.id });
  });
});
