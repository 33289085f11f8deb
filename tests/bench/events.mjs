// What an event costs the page's main thread, and how many a second it takes.

import { openInFirefox } from "./support/firefox.mjs";
import { openBench, servePage } from "./support/page.mjs";
import { alternate, series } from "./support/rounds.mjs";
import { startStub } from "./support/stub.mjs";
import { content } from "./stub/message.mjs";

const EVENTS = 50_000;
/** For a client that keeps every message in a sorted list, and so takes longer for each one. */
const FEW_EVENTS = 5_000;
const CHANNEL = "alpha";

const BARE = "bare WebSocket";
const ALO = "alo-chat";
const ALO_BURST = "alo-chat, many to a frame";

/** The client of page/clients/ behind each name, whether the server fills its frames, and how many events. */
const RUNS = {
  [BARE]: { client: "bare" },
  [ALO]: { client: "alo-chat" },
  centrifuge: { client: "centrifuge" },
  phoenix: { client: "phoenix" },
  "stream-chat": { client: "stream-chat", events: FEW_EVENTS },
  "bare WebSocket, many to a frame": { client: "bare", burst: true },
  [ALO_BURST]: { client: "alo-chat", burst: true },
};

export const peers = ["centrifuge", "phoenix", "stream-chat"];

export async function run(t, { rounds, only = Object.keys(RUNS), profile }) {
  const stub = await startStub(t);
  const chromium = await inChromium(t, stub, { rounds, only, profile });
  // The profiler is Chromium's.
  const firefox = profile ? { taken: {} } : await inFirefox(t, stub, { rounds, only });
  return {
    browsers: { Chromium: chromium.version, Firefox: firefox.version },
    measures: [
      {
        title: "Script time of the main thread for an event, Chromium",
        unit: "µs",
        base: BARE,
        series: series(chromium.taken, ({ script }) => script),
        goals: [{ series: ALO, against: BARE, atMost: 1.15 }],
      },
      {
        title: "Time of all tasks of the main thread for an event, Chromium",
        unit: "µs",
        base: BARE,
        series: series(chromium.taken, ({ task }) => task),
      },
      {
        title: "Events a second, Chromium",
        unit: "events/s",
        base: BARE,
        series: series(chromium.taken, ({ rate }) => rate),
        goals: [{ series: ALO_BURST, against: BARE, atLeast: 5 }],
      },
      {
        title: "Time that passes for an event, Firefox",
        unit: "µs",
        base: BARE,
        series: series(firefox.taken, ({ wall }) => wall),
      },
    ],
  };
}

async function inChromium(t, stub, { rounds, only, profile }) {
  const { version, call, devtools } = await openBench(t, "events");
  const taken = await alternate(only, rounds, async (name) => {
    const { client, burst = false, events = EVENTS } = RUNS[name];
    await call("connect", client, stub.origin, [CHANNEL]);
    await call("expect", events);
    await devtools.collectGarbage();
    const before = await devtools.metrics();
    const profiled = profile ? await devtools.profile() : undefined;
    await stub.play({ count: events, burst });
    const received = await call("received");
    await profiled?.();
    const after = await devtools.metrics();
    await call("close");
    assertReceived(received, events);
    const each = (key) => ((after[key] - before[key]) * 1e6) / events;
    return { script: each("script"), task: each("task"), rate: ((events - 1) * 1_000) / received.ms };
  });
  return { version, taken };
}

async function inFirefox(t, stub, { rounds, only }) {
  const { version, call } = await openInFirefox(t, await servePage(t, "events"));
  const taken = await alternate(only, rounds, async (name) => {
    const { client, burst = false, events = EVENTS } = RUNS[name];
    await call("connect", client, stub.origin, [CHANNEL]);
    await call("expect", events);
    await stub.play({ count: events, burst });
    const received = await call("received");
    await call("close");
    assertReceived(received, events);
    return { wall: (received.ms * 1_000) / (events - 1) };
  });
  return { version, taken };
}

function assertReceived({ count, last }, events) {
  if (count !== events || last !== content(events - 1)) {
    throw new Error(`received ${count} of ${events} events, the last one ${JSON.stringify(last)}`);
  }
}
