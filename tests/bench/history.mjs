// The newest page of a channel in a page, from the call to the array of messages.

import { deepStrictEqual } from "node:assert/strict";

import { openBench } from "./support/page.mjs";
import { alternate, percentile, series } from "./support/rounds.mjs";
import { startStub } from "./support/stub.mjs";
import { history } from "./stub/alo.mjs";

const PAGES = 200;
const CHANNEL = "alpha";

const ALO = "alo-chat";
const FETCH = "fetch of the same JSON";

/** The loader of page/history.js behind each name. */
const LOADERS = {
  [FETCH]: "fetch",
  [ALO]: "alo-chat",
  "frames by hand, same server": "socket",
};

export const peers = ["ws"];

export async function run(t, { rounds, only = Object.keys(LOADERS), profile }) {
  const stub = await startStub(t);
  const { version, call, devtools } = await openBench(t, "history");
  const { messages } = JSON.parse(history(CHANNEL));
  const taken = await alternate(only, rounds, async (name) => {
    await devtools.collectGarbage();
    const before = await devtools.metrics();
    const profiled = profile ? await devtools.profile() : undefined;
    const { each, last } = await call("pages", LOADERS[name], stub.origin, CHANNEL, PAGES);
    await profiled?.();
    const after = await devtools.metrics();
    deepStrictEqual(last, messages, `the messages of ${name}`);
    return {
      p50: percentile(each, 0.5),
      p99: percentile(each, 0.99),
      // One more page was loaded than is timed. What `fetch` parses is no script to Chromium, but a task.
      task: ((after.task - before.task) * 1e3) / (PAGES + 1),
    };
  });
  return {
    browsers: { Chromium: version },
    measures: [
      {
        title: `The newest page of ${messages.length} messages in the browser, from the call to the array, median`,
        unit: "ms",
        base: FETCH,
        series: series(taken, ({ p50 }) => p50),
        goals: [{ series: ALO, against: FETCH, atMost: 1 }],
      },
      {
        title: `The newest page of ${messages.length} messages in the browser, 99th percentile`,
        unit: "ms",
        base: FETCH,
        series: series(taken, ({ p99 }) => p99),
      },
      {
        title: "Time of all tasks of the main thread for that page",
        unit: "ms",
        base: FETCH,
        series: series(taken, ({ task }) => task),
      },
    ],
  };
}
