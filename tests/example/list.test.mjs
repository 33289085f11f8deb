// What the example's message list is made of: the line where reading stopped, the rows and their heights.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { exampleModules } from "../support/bundle.mjs";
import { random } from "../support/random.mjs";

const { Heights, Reading, rowsOf } = await exampleModules("state/reading.ts", "state/rows.ts", "state/heights.ts");

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
    const reading = new Reading(
      {
        getItem: () => "?",
        setItem: () => {
          throw new Error("full");
        },
      },
      "me",
      "alpha",
    );
    reading.read(3);
    reading.begin(5);
    assert.equal(reading.line, 3);
  });
});

describe("rows", () => {
  const DAY = 86_400_000;
  const entry = (seq, fields = {}) => ({
    kind: "message",
    key: `m${seq}`,
    seq,
    userId: "ada",
    own: false,
    time: seq * 1000 + 10 * DAY,
    ...fields,
  });
  const rows = (fields) =>
    rowsOf({ entries: [], line: undefined, fromBeginning: false, atPresent: true, forbidden: false, ...fields });
  const keys = (fields) => rows(fields).map(({ key }) => key);

  test("stand by day and author", () => {
    const entries = [
      entry(1),
      entry(2),
      entry(3, { userId: "eve" }),
      entry(4, { userId: "eve", time: 12 * DAY }),
      entry(5, { userId: "eve", time: 12 * DAY + 400_000 }),
    ];
    assert.deepEqual(keys({ entries }), ["older", "day-m1", "m1", "m2", "m3", "day-m4", "m4", "m5"]);
    assert.deepEqual(
      rows({ entries })
        .filter(({ continued }) => continued)
        .map(({ key }) => key),
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
      const rows = Array.from({ length: 1 + dice.below(60) }, (_, index) => ({
        key: `k${index}`,
        kind: dice.pick(["a", "b"]),
      }));
      const heights = new Heights();
      for (const row of rows) if (dice.below(2)) heights.set(row, dice.below(200));
      const anchor = dice.below(rows.length);
      const top = dice.below(4000) - 2000;
      const [above, below] = [-500, 1000];
      const [start, end] = heights.range(rows, anchor, top, above, below);
      const topOf = (index) => top + heights.between(rows, anchor, index);
      for (const index of rows.keys()) {
        // Sums in another order differ in their last digits.
        const within = topOf(index) < below - 0.001 && topOf(index + 1) > above + 0.001;
        if (within) assert.ok(index >= start && index < end, `SEED=${seed}: row ${index} of [${start}, ${end})`);
      }
      assert.ok(end - start < 2 || topOf(start + 1) >= above - 0.001, `SEED=${seed}: no more than needed above`);
      assert.ok(end - start < 2 || topOf(end - 1) < below + 0.001, `SEED=${seed}: no more than needed below`);
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
