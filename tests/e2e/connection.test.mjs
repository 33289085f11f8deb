// A connection that cannot be made says why.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch } from "../support/chromium.mjs";
import { required } from "../support/environment.mjs";
import { front } from "../support/front.mjs";
import { Gateway } from "../support/gateway.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { files, openChat } from "../support/page.mjs";
import { serve } from "../support/serve.mjs";

const channelIds = ["alpha"];

/** A gateway of its own, and a page before it. */
async function open(t, { flags, csp, through = (endpoint) => endpoint }) {
  const apiKey = "a key of 32 bytes for this test alone";
  const gateway = new Gateway(t, { binary: required("ALO_GATEWAY"), data: await temporaryFolder(t), apiKey, flags });
  await gateway.start();
  const folder = await temporaryFolder(t);
  const { tarball } = await pack(folder);
  const { url } = await serve(t, await project(folder, tarball), { files, csp });
  const { endpoint } = gateway;
  const { page } = await openChat(t, await launch(t), url, {
    endpoint,
    apiKey,
    userId: "ada",
    channelIds,
    through: await through(endpoint),
  });
  return { gateway, page, origin: new URL(url).origin };
}

/** The data of the first `count` events of a type, when there are so many. */
async function eventsOf(page, type, count) {
  await page.waitForFunction(([type, count]) => events.filter((event) => event.type === type).length >= count, [type, count]);
  return page.evaluate(([type, count]) => events.filter((event) => event.type === type).slice(0, count).map(({ data }) => data), [type, count]);
}

test("a page whose origin is refused stops, and learns its origin and the flag", { timeout: 60_000 }, async (t) => {
  const { page, origin } = await open(t, { flags: ["--allow-origin", "https://chat.example.com"] });
  const { status } = await page.evaluate((channelIds) => chat.subscribe({ channelIds }), channelIds);
  assert.equal(status.errorData?.code, "origin-forbidden");
  assert.ok(status.errorData.message.endsWith(`--allow-origin ${origin}`), status.errorData.message);
  const [{ error }] = await eventsOf(page, "status.failed", 1);
  assert.deepEqual(error, status.errorData);
  assert.deepEqual(await page.evaluate(() => events.map(({ type }) => type)), ["status.failed"]);
});

test("behind a proxy that forwards no upgrade a hint follows after three failures", { timeout: 60_000 }, async (t) => {
  const { page } = await open(t, { through: (endpoint) => front(t, endpoint, { upgrade: false }) });
  await page.evaluate((channelIds) => void chat.subscribe({ channelIds }), channelIds);
  const [first, second, third] = await eventsOf(page, "status.reconnecting", 3);
  for (const { cause } of [first, second, third]) {
    assert.equal(cause.code, "not-opened");
    assert.match(cause.message, /opened/);
  }
  assert.equal(first.hint ?? second.hint, undefined);
  for (const setting of ["endpoint", "--allow-origin", "Upgrade", "connect-src", "docs/connecting.md"]) {
    assert.ok(third.hint.includes(setting), third.hint);
  }
});

test("a Content-Security-Policy without the gateway's address is named", { timeout: 60_000 }, async (t) => {
  const csp = "default-src 'self'; img-src data:; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'";
  const { page, gateway } = await open(t, { csp });
  await page.evaluate((channelIds) => void chat.subscribe({ channelIds }), channelIds);
  const reconnecting = await eventsOf(page, "status.reconnecting", 2);
  const { cause } = reconnecting[1];
  assert.equal(cause.code, "blocked", JSON.stringify(reconnecting));
  assert.ok(cause.message.includes(gateway.endpoint.replace("http", "ws")), cause.message);
  assert.match(cause.message, /connect-src/);
});

test("a connection that is lost, not opened again, and offline has these causes", { timeout: 60_000 }, async (t) => {
  const { page, gateway } = await open(t, {});
  await page.evaluate((channelIds) => chat.subscribe({ channelIds }), channelIds);
  await gateway.kill();
  const causes = (await eventsOf(page, "status.reconnecting", 2)).map(({ cause }) => cause.code);
  assert.deepEqual(causes, ["lost", "not-opened"]);
  await page.context().setOffline(true);
  await page.waitForFunction(() => events.at(-1).data.cause?.code === "offline");
  assert.equal(await page.evaluate(() => events.at(-1).data.hint), undefined);
  await page.context().setOffline(false);
  await gateway.start();
  await page.waitForFunction(() => events.at(-1).type === "status.connected");
});
