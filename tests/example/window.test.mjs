// The example's window of a channel: pages, live events, cuts and gaps in any order leave no hole in it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { exampleModules } from "../support/bundle.mjs";
import { History } from "../support/history.mjs";
import { random } from "../support/random.mjs";

const { MessageWindow } = await exampleModules("state/window.ts");

/** A window over a log whose events and answers are on their way for a while. */
class World {
  log = new History();
  window = new MessageWindow();
  /** Each in its order; between the two there is none. */
  events = [];
  answers = [];

  constructor(dice) {
    this.dice = dice;
  }

  write(count = 1) {
    for (let index = 0; index < count; index++) this.events.push(this.log.write({ skip: this.dice.below(3) }));
  }

  ask(edge, side) {
    const limit = 1 + this.dice.below(40);
    const { token, messageId } = edge ?? {};
    const page =
      edge?.kind === "around" || edge?.kind === "open"
        ? this.log.around({ messageId, limit })
        : this.log.page({ limit, ...(token && { [`${side}PageToken`]: token }) });
    assert.ok(page, `the log knows ${JSON.stringify(edge)}`);
    this.answers.push({ page, edge, side });
  }

  deliverEvent() {
    const event = this.events.shift();
    if (event) this.window.receive({ ...event });
  }

  deliverAnswer() {
    const { page, edge, side } = this.answers.shift() ?? {};
    if (side) this.window.extend(side, edge, page);
    else if (page) this.window.open(page);
  }

  gap() {
    this.window.clear();
    this.events = [];
    this.answers = [];
    this.ask();
  }

  settle() {
    while (this.events.length > 0) this.deliverEvent();
    while (this.answers.length > 0) this.deliverAnswer();
  }

  check() {
    const { items, edges, atPresent } = this.window;
    const all = this.log.messages;
    const [first] = items;
    const start = first ? all.findIndex(({ id }) => id === first.id) : 0;
    assert.deepEqual(
      items.map(({ id }) => id),
      all.slice(start, start + items.length).map(({ id }) => id),
      "the window has no holes and no doubles",
    );
    if (!edges) return;
    if (edges.older.kind === "end" && first) assert.equal(start, 0, "it begins where the channel begins");
    for (const [side, outermost, kind] of [
      ["older", first, "o"],
      ["newer", items.at(-1), "n"],
    ]) {
      const edge = edges[side];
      if (edge.kind === "token") assert.equal(edge.token, `${kind}:${outermost.id}`);
      if (edge.kind === "around") assert.equal(edge.messageId, outermost.id);
    }
    if (atPresent && this.events.length === 0) assert.equal(items.at(-1)?.id, this.log.newest?.id);
  }
}

function run(seed) {
  const dice = random(seed);
  const world = new World(dice);
  world.write(dice.below(300));
  world.events = [];
  world.ask();
  for (let step = 0; step < 400; step++) {
    const { edges, items } = world.window;
    const side = dice.pick(["older", "newer"]);
    switch (dice.below(10)) {
      case 0:
        world.write(1 + dice.below(dice.below(8) === 0 ? 300 : 4));
        break;
      case 1:
      case 2:
      case 3:
        world.deliverEvent();
        break;
      case 4:
      case 5:
        world.deliverAnswer();
        break;
      case 6:
      case 7:
        if (edges && edges[side].kind !== "end") world.ask(edges[side], side);
        break;
      case 8:
        if (dice.below(3) > 0) world.window.trim(side, 20 + dice.below(100));
        else if (world.log.newest) world.ask({ kind: "open", messageId: dice.pick(world.log.messages).id });
        break;
      case 9:
        if (dice.below(20) === 0) world.gap();
        else if (dice.below(10) === 0) world.ask();
        break;
    }
    world.check();
    assert.ok(items.length <= world.log.messages.length);
  }
  // In the end everything can be loaded, in both directions.
  world.settle();
  if (!world.window.edges) world.ask();
  world.settle();
  for (const side of ["newer", "older"]) {
    for (let loads = 0; world.window.edges[side].kind !== "end"; loads++) {
      assert.ok(loads < 5000, `${side} ones come to an end`);
      world.ask(world.window.edges[side], side);
      world.settle();
      world.check();
    }
  }
  assert.deepEqual(
    world.window.items.map(({ id }) => id),
    world.log.messages.map(({ id }) => id),
  );
}

test("the window never has a hole, a double or a wrong order", () => {
  const first = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  const count = process.env.SEED ? 1 : 300;
  for (let seed = first; seed < first + count; seed++) {
    try {
      run(seed);
    } catch (error) {
      error.message = `SEED=${seed}: ${error.message}`;
      throw error;
    }
  }
});

const filled = (count) => {
  const log = new History();
  for (let index = 0; index < count; index++) log.write();
  return log;
};

test("a page joins the events that came before its answer", () => {
  const log = filled(10);
  const window = new MessageWindow();
  const page = log.page({ limit: 4 });
  window.receive(log.write());
  window.receive(log.write());
  window.open(page);
  assert.deepEqual(
    window.items.map(({ seq }) => seq),
    [7, 8, 9, 10, 11, 12],
  );
  assert.ok(window.atPresent);
});

test("a window that is cut at the present stops taking events, and reaches it again by the token", () => {
  const log = filled(300);
  const window = new MessageWindow();
  window.open(log.page({ limit: 100 }));
  window.extend("older", window.edges.older, log.page({ limit: 100, olderPageToken: window.edges.older.token }));
  window.trim("newer", 150);
  assert.equal(window.atPresent, false);
  assert.equal(window.items.length, 100, "cut where a page ended");
  assert.equal(window.edges.newer.kind, "token");
  assert.equal(window.receive(log.write()), false);
  window.extend("newer", window.edges.newer, log.page({ newerPageToken: window.edges.newer.token }));
  window.extend("newer", window.edges.newer, log.page({ newerPageToken: window.edges.newer.token }));
  assert.ok(window.atPresent);
  assert.equal(window.items.at(-1).seq, 301);
});

test("where no page ended the cut goes on around its last message", () => {
  const log = filled(3);
  const window = new MessageWindow();
  window.open(log.page());
  for (let index = 0; index < 600; index++) window.receive(log.write());
  window.trim("older", 100);
  assert.deepEqual(window.edges.older, { kind: "around", messageId: window.items[0].id });
  window.extend("older", window.edges.older, log.around({ messageId: window.items[0].id, limit: 100 }));
  assert.equal(window.items.length, 200);
});

test("a page for an edge that has changed since is not taken", () => {
  const log = filled(300);
  const window = new MessageWindow();
  window.open(log.page());
  const { older } = window.edges;
  window.extend("older", older, log.page({ olderPageToken: older.token }));
  assert.equal(window.extend("older", older, log.page({ olderPageToken: older.token })), false);
  assert.equal(window.items.length, 200);
});

test("an empty channel takes its first message", () => {
  const log = filled(0);
  const window = new MessageWindow();
  window.open(log.page());
  assert.ok(window.receive(log.write()));
  assert.deepEqual(window.edges, { older: { kind: "end" }, newer: { kind: "end" } });
});

test("after a gap nothing from before it is joined", () => {
  const window = new MessageWindow();
  window.receive({ id: "of another life", seq: 50 });
  window.clear();
  const log = filled(10);
  window.open(log.page());
  assert.deepEqual(window.items, log.page().messages.reverse());
  assert.ok(window.atPresent);
});

test("an empty page ends its side", () => {
  const log = filled(10);
  const window = new MessageWindow();
  window.open(log.page({ limit: 5 }));
  window.extend("older", window.edges.older, { messages: [], cursor: { seq: 10 } });
  assert.equal(window.edges.older.kind, "end");
  assert.equal(window.items.length, 5);
});
