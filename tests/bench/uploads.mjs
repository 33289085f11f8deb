// Bytes a second of a large file, twenty small ones, and a network that is far away.

import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";

import { required } from "../support/environment.mjs";
import { mintToken } from "../support/gateway.mjs";
import { temporaryFolder } from "../support/package.mjs";
import { startDelay } from "./support/delay.mjs";
import { openBench } from "./support/page.mjs";
import { alternate, series } from "./support/rounds.mjs";

const MIB = 1024 * 1024;
const FETCH = "fetch, the whole file";
const ALO = "alo-chat";

const UPLOADERS = {
  [FETCH]: "fetch",
  [ALO]: "alo-chat",
  "tus-js-client": "tus",
  "tus-js-client, chunks of 8 MiB": "tus-chunks",
};
/** Beside whom each case is measured; chunks of 8 MiB are no match for a far network. */
const FEW = [FETCH, ALO, "tus-js-client"];

const CASES = [
  { title: "One file of 256 MiB", files: 1, mib: 256, memory: true },
  { title: "One file of 1 GiB", files: 1, mib: 1_024, memory: true, large: true },
  { title: "Twenty files of 1 MiB", files: 20, mib: 1 },
  { title: "One file of 256 MiB, 50 ms away", files: 1, mib: 256, delay: 50, among: FEW },
  { title: "One file of 256 MiB, 200 ms away", files: 1, mib: 256, delay: 200, among: FEW },
];

export const peers = ["tus-js-client"];

export async function run(t, { rounds, large, only }) {
  const endpoint = required("ALO_TEST_ENDPOINT");
  const channelId = "bench-uploads";
  const authToken = await mintToken({
    endpoint,
    apiKey: required("ALO_TEST_API_KEY"),
    userId: "ada",
    channelIds: [channelId],
  });
  const folder = await temporaryFolder(t);
  const { version, page, call, devtools } = await openBench(t, "uploads");

  const measures = [];
  for (const { title, files, mib, delay = 0, among, memory } of CASES.filter((one) => large || !one.large)) {
    const paths = await filesOf(folder, files, mib);
    await page.locator("input").setInputFiles(paths);
    const through = delay > 0 ? await startDelay(t, endpoint, delay) : endpoint;
    const options = { endpoint: through, authToken, channelId };
    console.error(title);
    const names = among ?? Object.keys(UPLOADERS);
    const taken = await alternate(only ?? names, rounds, async (name) => {
      await devtools.collectGarbage();
      const before = await devtools.metrics();
      const { ms, reports, wasm } = await call("upload", UPLOADERS[name], options);
      const { heap } = await devtools.metrics();
      if (name === ALO && files === 1 && reports < 2) throw new Error(`only ${reports} reports of progress`);
      return { rate: (files * mib * 1_000) / ms, reports, heap: (heap - before.heap) / MIB, wasm: wasm / MIB };
    });
    measures.push({
      title,
      unit: "MiB/s",
      base: FETCH,
      series: series(taken, ({ rate }) => rate),
      goals: [{ series: ALO, against: FETCH, atLeast: 0.95 }],
    });
    if (!memory) continue;
    measures.push({
      title: `${title}: growth of the page's heap until it is up, without a collection`,
      unit: "MiB",
      base: FETCH,
      series: series(taken, ({ heap }) => heap),
    });
    measures.push({
      title: `${title}: memory of the wasm module`,
      unit: "MiB",
      base: ALO,
      series: series({ [ALO]: taken[ALO] }, ({ wasm }) => wasm),
    });
  }
  return {
    browsers: { Chromium: version },
    measures,
    notes: [
      "fetch reports no progress within a request; alo-chat and tus-js-client do in every run.",
      "The delay is a proxy in a process of its own, which holds back every byte in both directions for half of it.",
    ],
  };
}

/** Files of random bytes, which no disk and no network can make smaller. */
async function filesOf(folder, count, mib) {
  const paths = [];
  const block = randomBytes(MIB);
  for (let index = 0; index < count; index++) {
    const path = join(folder, `${mib}-mib-${index}.bin`);
    const file = await open(path, "w");
    for (let written = 0; written < mib; written++) {
      block.writeUInt32LE(written);
      await file.write(block);
    }
    await file.close();
    paths.push(path);
  }
  return paths;
}
