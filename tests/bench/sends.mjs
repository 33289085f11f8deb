// Messages a second and the time of one, against a real gateway.

import { open } from "node:fs/promises";
import { join } from "node:path";

import { required } from "../support/environment.mjs";
import { mintToken } from "../support/gateway.mjs";
import { temporaryFolder } from "../support/package.mjs";
import { openBench } from "./support/page.mjs";
import { alternate, percentile, series } from "./support/rounds.mjs";
import { startStub } from "./support/stub.mjs";

const PIPELINED = 1_000;
const ONE_BY_ONE = 200;

const ALO = "alo-chat";
const ECHO = "WebSocket echo, nothing stored";
const BOUND = "1.2 × echo + a commit";

const SENDERS = {
  [ECHO]: "echo",
  [ALO]: "alo-chat",
  "frames by hand, same gateway": "gateway",
  "fetch PUT, same gateway": "fetch",
};

export const peers = ["ws"];

export async function run(t, { rounds, only = Object.keys(SENDERS), profile }) {
  const endpoint = required("ALO_TEST_ENDPOINT");
  const apiKey = required("ALO_TEST_API_KEY");
  const stub = await startStub(t);
  const { version, call, devtools } = await openBench(t, "sends");
  const [userId, channelId] = ["ada", "bench-sends"];
  const authToken = await mintToken({ endpoint, apiKey, userId, channelIds: [channelId] });
  const options = { endpoint, apiKey, authToken, userId, channelId, stub: stub.origin };
  const folder = await temporaryFolder(t);

  const measure = (pipelined) => async (name) => {
    const count = pipelined ? PIPELINED : ONE_BY_ONE;
    const profiled = profile ? await devtools.profile() : undefined;
    const { each, all } = await call("sends", SENDERS[name], options, count, pipelined);
    await profiled?.();
    const result = { p50: percentile(each, 0.5), p99: percentile(each, 0.99), rate: (each.length * 1_000) / all };
    // Right beside the echo, as both make up what a send must cost at least.
    return name === ECHO && !pipelined ? { ...result, commit: await commitTime(folder) } : result;
  };
  const pipelined = await alternate(only, rounds, measure(true));
  const oneByOne = await alternate(only, rounds, measure(false));

  const latencies = series(oneByOne, ({ p50 }) => p50);
  if (oneByOne[ECHO]) latencies.push({ name: BOUND, values: oneByOne[ECHO].map(({ p50, commit }) => 1.2 * p50 + commit) });
  return {
    browsers: { Chromium: version },
    measures: [
      {
        title: `Messages a second, ${PIPELINED} at once`,
        unit: "messages/s",
        base: ECHO,
        series: series(pipelined, ({ rate }) => rate),
      },
      {
        title: `Time of a message, ${PIPELINED} at once, median`,
        unit: "ms",
        base: ECHO,
        series: series(pipelined, ({ p50 }) => p50),
      },
      {
        title: `Time of a message, ${PIPELINED} at once, 99th percentile`,
        unit: "ms",
        base: ECHO,
        series: series(pipelined, ({ p99 }) => p99),
      },
      {
        title: "Time of a message, one at a time, median",
        unit: "ms",
        base: ECHO,
        series: latencies,
        goals: [{ series: ALO, against: BOUND, atMost: 1 }],
      },
      {
        title: "Time of a message, one at a time, 99th percentile",
        unit: "ms",
        base: ECHO,
        series: series(oneByOne, ({ p99 }) => p99),
      },
    ],
    notes: [
      "All the messages of a run at once start together, so the time of one holds its wait for the others.",
      "A commit is the median time to append two pages of 4 KiB to a file of the same disk and to sync it.",
    ],
  };
}

/** Milliseconds the disk takes to make a small commit durable: what SQLite's log writes for a message. */
async function commitTime(folder) {
  const file = await open(join(folder, "commit"), "a");
  const pages = Buffer.alloc(2 * 4_096, 7);
  const times = [];
  for (let index = 0; index < 100; index++) {
    const started = performance.now();
    await file.write(pages);
    await file.datasync();
    times.push(performance.now() - started);
  }
  await file.close();
  return percentile(times, 0.5);
}
