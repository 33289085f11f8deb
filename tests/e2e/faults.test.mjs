// Real faults on real sockets: pages chat and upload through a proxy that is a bad network, while the
// gateway is killed at random moments and pages are reloaded. Then everything is counted.
//
// ALO_FAULT_SECONDS sets the duration, ALO_FAULT_SEED repeats a run as far as real time can be repeated.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setTimeout as after } from "node:timers/promises";

import { launch } from "../support/chromium.mjs";
import { required } from "../support/environment.mjs";
import { Gateway } from "../support/gateway.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { files, openChat } from "../support/page.mjs";
import { FaultyProxy } from "../support/proxy.mjs";
import { random } from "../support/random.mjs";
import { serve } from "../support/serve.mjs";

const SECONDS = Number(process.env.ALO_FAULT_SECONDS ?? 40);
const SEED = Number(process.env.ALO_FAULT_SEED ?? Date.now() % 1_000_000);
const CLIENTS = 10;
/** These are reloaded now and then. */
const RESTLESS = [8, 9];
const HEALING_MS = 120_000;

test("ten pages, a bad network and a gateway that is killed", { timeout: (SECONDS + 300) * 1_000 }, async (t) => {
  console.log(`ALO_FAULT_SEED=${SEED} ALO_FAULT_SECONDS=${SECONDS}`);
  const chance = random(SEED);
  const gateway = new Gateway(t, {
    binary: required("ALO_GATEWAY"),
    data: await temporaryFolder(t),
    apiKey: "a key of 32 bytes for this test alone",
  });
  await gateway.start();
  const proxy = new FaultyProxy(t, gateway.endpoint, chance);
  const endpoint = await proxy.listen();
  const folder = await temporaryFolder(t);
  const { tarball } = await pack(folder);
  const { url } = await serve(t, await project(folder, tarball), { files });
  const browser = await launch(t);

  const pages = [];
  for (let index = 0; index < CLIENTS; index++) {
    const { page, authToken } = await openChat(t, browser, url, {
      endpoint: gateway.endpoint,
      apiKey: gateway.apiKey,
      userId: `user ${index}`,
      channelIds: ["alpha"],
      through: endpoint,
    });
    pages.push({ page, authToken, index });
  }
  const begin = ({ page, index }) => page.evaluate(start, [`${index}.${Math.random()}`, index % 2 === 0]);
  await Promise.all(pages.map(begin));

  // Trouble.
  let reloads = 0;
  let kills = 0;
  const trouble = proxy.trouble(SECONDS * 1_000);
  let isOver = false;
  void trouble.then(() => (isOver = true));
  const kill = async () => {
    while (!isOver) {
      await after(1_500 + chance.below(6_000));
      if (isOver) break;
      kills++;
      await gateway.kill();
      await after(chance.below(1_500));
      await gateway.start();
    }
  };
  const lost = [];
  const reload = async () => {
    while (!isOver) {
      await after(2_000 + chance.below(4_000));
      if (isOver) break;
      const restless = pages[chance.pick(RESTLESS)];
      reloads++;
      // What was reported to it is kept; what it was waiting for no longer matters.
      lost.push(...(await restless.page.evaluate(() => state.resolved)));
      await restless.page.reload();
      await restless.page.waitForFunction(() => document.title === "ready");
      await begin(restless);
    }
  };
  await Promise.all([trouble, kill(), reload()]);

  // Healing: every promise settles.
  const outcomes = await Promise.all(
    pages.map(({ page }) =>
      page.evaluate(
        ([ms]) =>
          Promise.race([
            stop(),
            new Promise((late) => setTimeout(() => late({ late: true, open: [...state.open], events: events.slice(-8) }), ms)),
          ]),
        [HEALING_MS],
      ),
    ),
  );
  outcomes.forEach(({ late, open, events }, index) =>
    assert.ok(!late, `page ${index}: never settled: ${open}; received last: ${JSON.stringify(events)}`),
  );
  const last = await pages[0].page.evaluate(() => chat.sendMessage({ channelId: "alpha", content: "the end" }));
  assert.equal(last.status.error, false);
  const lastId = last.response.message.id;
  await Promise.all(
    pages.map(({ page }) => page.waitForFunction((id) => state.received.includes(id), lastId, { timeout: HEALING_MS })),
  );

  // The account: what the gateway has, from the beginning, against what was reported to every page.
  const log = await auditLog(pages[0], gateway.endpoint);
  const ids = log.map((message) => message.id);
  assert.equal(new Set(ids).size, ids.length, "an id stands twice in the log");
  const contents = log.map((message) => message.content);
  assert.equal(new Set(contents).size, contents.length, "a message was stored twice");
  const stored = new Set(ids);
  const resolved = [...lost, ...outcomes.flatMap((outcome) => outcome.resolved)];
  for (const id of resolved) assert.ok(stored.has(id), `message ${id} was answered and is not stored`);
  assert.deepEqual(
    outcomes.flatMap((outcome) => outcome.failed),
    [],
  );
  for (const { page, index } of pages) {
    const { received, gaps } = await page.evaluate(() => state);
    assert.equal(gaps, 0, `page ${index} got a gap`);
    const from = ids.indexOf(received[0]);
    assert.deepEqual(received, ids.slice(from), `page ${index} received something else than the log holds`);
  }
  let uploads = 0;
  for (const message of log.filter((message) => message.files.length > 0)) {
    const [file] = message.files;
    const answer = await fetch(`${gateway.endpoint}${file.url}`, {
      headers: { authorization: `Bearer ${pages[0].authToken}` },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.equal(createHash("sha256").update(bytes).digest("hex"), message.metadata.sha256, message.content);
    uploads++;
  }
  console.log(
    JSON.stringify({ seconds: SECONDS, seed: SEED, messages: log.length, uploads, kills, reloads, ...proxy.counts }),
  );
});

/** Runs in a page: sends messages, and files if wanted, one after the other, until asked to stop. */
async function start([name, withFiles]) {
  globalThis.state = { received: [], resolved: [], failed: [], gaps: 0, open: new Set() };
  let isStopped = false;
  let number = 0;
  const { status } = await chat.subscribe({ channelIds: ["alpha"] });
  if (status.error) throw new Error(status.errorData.message);
  chat.addEventListener("message.new", ({ data }) => state.received.push(data.message.id));
  chat.addEventListener("channel.gap", () => state.gaps++);
  const send = async (options) => {
    state.open.add(options.content);
    const { status, response } = await chat.sendMessage({ channelId: "alpha", ...options });
    state.open.delete(options.content);
    if (status.error) state.failed.push(`${options.content}: ${status.errorData.code} ${status.errorData.message}`);
    else state.resolved.push(response.message.id);
  };
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const talk = async () => {
    while (!isStopped) {
      // Some at once, and not always waiting for the answer.
      const sends = Array.from({ length: 1 + Math.floor(Math.random() * 4) }, () =>
        send({ content: `${name} ${number++}` }),
      );
      await Promise.race([Promise.all(sends), pause(200)]);
      if (state.open.size > 100) await Promise.all(sends);
      await pause(Math.random() * 60);
    }
  };
  const upload = async () => {
    while (!isStopped && withFiles) {
      const bytes = new Uint8Array(1 + Math.floor(Math.random() * 6_000_000));
      for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      const sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      await send({ content: `${name} file ${number++}`, metadata: { sha256 }, files: [new File([bytes], "a.bin")] });
    }
  };
  const all = Promise.all([talk(), upload()]);
  globalThis.stop = async () => {
    isStopped = true;
    await all;
    while (state.open.size > 0) await pause(50);
    return { resolved: state.resolved, failed: state.failed };
  };
}

/** The entire log of the channel, over a plain WebSocket that names a cursor before the first event. */
function auditLog({ page, authToken }, endpoint) {
  return page.evaluate(
    ([address, token]) =>
      new Promise((resolve, reject) => {
        const open = (method, channels) => {
          const socket = new WebSocket(address, "alo.v1.json");
          socket.onopen = () => {
            socket.send(JSON.stringify({ hello: { token } }));
            socket.send(JSON.stringify({ id: 1, method, params: { channels } }));
          };
          socket.onclose = ({ code }) => reject(new Error(`closed: ${code}`));
          return socket;
        };
        const ask = open("subscribe", [{ id: "alpha" }]);
        ask.onmessage = ({ data }) => {
          const items = JSON.parse(data);
          const item = Array.isArray(items) ? items.find(({ result }) => result) : items;
          if (!item?.result) return;
          ask.onclose = null;
          ask.close();
          const { epoch, seq } = item.result.channels[0].cursor;
          const messages = [];
          const read = open("resume", [{ id: "alpha", cursor: { epoch, seq: 0 } }]);
          read.onmessage = ({ data }) => {
            const items = JSON.parse(data);
            for (const push of Array.isArray(items) ? items : [items]) {
              if (!push.event) continue;
              if (push.seq !== messages.length + 1) reject(new Error(`sequence ${push.seq} after ${messages.length}`));
              messages.push(push.event.data.message);
            }
            if (messages.length === seq) {
              read.onclose = null;
              read.close();
              resolve(messages);
            }
          };
        };
      }),
    [`${endpoint.replace("http", "ws")}/v1/connect`, authToken],
  );
}
