// What a page holds with a thousand channels and after many events, and what `dispose` frees.

import { openBench } from "./support/page.mjs";
import { alternate, series } from "./support/rounds.mjs";
import { startStub } from "./support/stub.mjs";

const MIB = 1024 * 1024;
const KIB = 1024;

const CHANNELS = Array.from({ length: 1_000 }, (_, index) => `channel-${String(index).padStart(4, "0")}`);
const EVENTS = 100_000;
/** Between two looks at the heap while events come. */
const STEP = 10_000;

/** Rounds of connect, use and dispose, and how many clients live in each. */
const LIVES = 10;
const CLIENTS_A_LIFE = 20;

const BARE = "bare WebSocket";
const ALO = "alo-chat";
const CLIENTS = { [BARE]: "bare", [ALO]: "alo-chat" };

export const peers = ["ws"];

export async function run(t, { rounds, only = Object.keys(CLIENTS) }) {
  const stub = await startStub(t);
  const { version, call, devtools } = await openBench(t, "memory");
  const heap = async () => {
    // Twice: what the first finds unreachable may have kept something else.
    await devtools.collectGarbage();
    await devtools.collectGarbage();
    return (await devtools.metrics()).heap;
  };
  const receive = async (count) => {
    await call("expect", count);
    await stub.play({ count, burst: true });
    await call("received");
  };

  const taken = await alternate(only, rounds, async (name) => {
    const before = await heap();
    await call("connect", CLIENTS[name], stub.origin, CHANNELS);
    const subscribed = await heap();
    let during = 0;
    for (let received = 0; received < EVENTS; received += STEP) {
      await receive(STEP);
      during = Math.max(during, (await devtools.metrics()).heap);
    }
    const after = await heap();
    const wasm = await call("wasm");
    await call("close");
    const left = await heap();
    const grown = (bytes) => (bytes - before) / KIB;
    return {
      subscribed: grown(subscribed),
      during: grown(during),
      after: grown(after),
      left: grown(left),
      wasm: wasm / MIB,
    };
  });

  const lives = [];
  if (only.includes(ALO)) {
    for (let life = 0; life <= LIVES; life++) {
      for (let client = 0; client < CLIENTS_A_LIFE; client++) {
        await call("connect", "alo-chat", stub.origin, CHANNELS.slice(0, 100));
        await receive(100);
        await call("close");
      }
      lives.push({ heap: (await heap()) / MIB, wasm: (await call("wasm")) / MIB });
      console.error(`life ${life}`, lives.at(-1));
    }
  }
  // The first life adds what stays: code, the module, its tables.
  const grown = lives.slice(1).map(({ heap }, index) => (heap - lives[index].heap) * KIB);
  const kept = (title, value) => ({ title, unit: "KiB", base: BARE, series: series(taken, value) });
  return {
    browsers: { Chromium: version },
    measures: [
      kept("Heap with 1,000 channels subscribed", ({ subscribed }) => subscribed),
      kept("Heap while 100,000 events come, at most, without a collection", ({ during }) => during),
      kept("Heap after 100,000 events", ({ after }) => after),
      kept("Heap after the end of the client", ({ left }) => left),
      {
        title: "Memory of the wasm module, which never shrinks",
        unit: "MiB",
        base: "after 100,000 events",
        series: [
          { name: "after 100,000 events", values: (taken[ALO] ?? []).map(({ wasm }) => wasm) },
          {
            name: `after ${(LIVES + 1) * CLIENTS_A_LIFE} more clients, one after another`,
            values: lives.slice(-1).map(({ wasm }) => wasm),
          },
        ],
      },
      {
        title: `Growth of the heap in a round of ${CLIENTS_A_LIFE} clients that connect, receive and are disposed of`,
        unit: "KiB",
        base: ALO,
        series: [{ name: ALO, values: grown }],
      },
    ],
    notes: ["Heap is what is more than before the client was made, after a collection unless it says otherwise."],
  };
}
