// The example's history: what was written before one came, and the way through it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch } from "../support/chromium.mjs";
import { required } from "../support/environment.mjs";
import { Person, startExample } from "../support/example.mjs";
import { Gateway } from "../support/gateway.mjs";
import { temporaryFolder } from "../support/package.mjs";
import { atRest, firstInView, motion, watchList } from "../support/scrolling.mjs";

/** A gateway and the example over it. */
async function example(t) {
  const gateway = new Gateway(t, {
    binary: required("ALO_GATEWAY"),
    data: await temporaryFolder(t),
    apiKey: "a key of 32 bytes for this test alone",
  });
  await gateway.start();
  return { gateway, url: await startExample(t, gateway), browser: await launch(t) };
}

/** Writes `content` in the name of `Grace`; resolves to the message's id. */
async function write({ endpoint, apiKey }, channel, content, parent_id) {
  const answer = await fetch(`${endpoint}/channels/${channel}/chat_messages`, {
    method: "PUT",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ user_id: "Grace", content, ...(parent_id && { parent_id }) }),
  });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body.id;
}

/** Writes `message <from>` up to before `to`, each some lines long or short. */
async function fill(gateway, channel, from, to) {
  const ids = [];
  for (let index = from; index < to; index++) {
    const more = index % 7 === 0 ? `\n${"and on and on it goes ".repeat(index % 50)}` : "";
    ids.push(await write(gateway, channel, `message ${index}${more}`));
  }
  return ids;
}

const startOf = (person, text) => person.page.getByTestId("message").filter({ hasText: text }).first();
const newest = async (person) => (await person.messages()).at(-1)?.content;
const toPresent = (person) => person.page.getByTestId("to-present");

test(
  "a channel opens with what was written before, up to its beginning, and a reload shows it again",
  { timeout: 120_000 },
  async (t) => {
    const { gateway, url, browser } = await example(t);
    await fill(gateway, "general", 0, 150);
    const ada = await Person.signIn(t, browser, url, "Ada", "general");
    await startOf(ada, "message 149").waitFor();
    await ada.write("mine");
    await ada.message("mine");

    await ada.page.reload();
    await ada.message("mine");
    assert.equal((await ada.messages()).filter(({ content }) => content === "mine").length, 1);
    assert.equal(await newest(ada), "mine");

    const log = ada.page.getByRole("log");
    const beginning = ada.page.getByText("This is where #general begins");
    await log.focus();
    while (!(await beginning.isVisible())) await ada.page.keyboard.press("Home");
    await startOf(ada, "message 0").waitFor();
    await ada.page.keyboard.press("End");
    await ada.message("mine");
    assert.deepEqual(ada.problems, []);
  },
);

test("2,000 messages are scrolled through without a jump", { timeout: 300_000 }, async (t) => {
  const { gateway, url, browser } = await example(t);
  const ids = await fill(gateway, "general", 0, 2200);
  const ada = await Person.signIn(t, browser, url, "Ada", "general");
  await startOf(ada, "message 2199").waitFor();
  const { page } = ada;
  await page.getByRole("log").hover();
  const wheel = async (pixels, done) => {
    await watchList(page);
    for (let turns = 0; !(await done()); turns++) {
      assert.ok(turns < 1500, "the end comes into view");
      await page.mouse.wheel(0, pixels);
      // As fast as pictures are made, as a wheel does.
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    return motion(page);
  };
  const inView = (id) => () => page.locator(`[data-message-id="${id}"]`).count();

  const up = await wheel(-240, inView(ids[150]));
  assert.deepEqual({ blank: up.blank, lost: up.lost, uneven: up.uneven }, { blank: 0, lost: 0, uneven: [] });
  assert.ok(up.up <= 1, `content went up by ${up.up} px while scrolling up`);
  assert.ok(up.rows < 200, `${up.rows} rows at once`);

  const down = await wheel(240, inView(ids[2199]));
  assert.deepEqual({ blank: down.blank, lost: down.lost, uneven: down.uneven }, { blank: 0, lost: 0, uneven: [] });
  assert.ok(down.down <= 1, `content went down by ${down.down} px while scrolling down`);
  assert.deepEqual(ada.problems, []);
});

test("one goes to the message replied to, and back to the present", { timeout: 120_000 }, async (t) => {
  const { gateway, url, browser } = await example(t);
  const ids = await fill(gateway, "general", 0, 600);
  await write(gateway, "general", "the answer", ids[20]);
  const ada = await Person.signIn(t, browser, url, "Ada", "general");
  const { page } = ada;
  const answer = await ada.message("the answer");
  assert.equal(await page.locator(`[data-message-id="${ids[20]}"]`).count(), 0);

  await answer.getByTestId("reply-preview").click();
  const parent = page.locator(`[data-message-id="${ids[20]}"]`);
  await parent.waitFor();
  await page.waitForFunction((id) => document.activeElement?.dataset.messageId === id, ids[20]);
  const [box, list] = [await parent.boundingBox(), await page.getByRole("log").boundingBox()];
  assert.ok(box.y >= list.y && box.y + box.height <= list.y + list.height, "it is in view");

  // What comes meanwhile is counted, and does not move what is read.
  await watchList(page);
  await write(gateway, "general", "meanwhile");
  await page.getByText("1 new").waitFor();
  const { up, down } = await motion(page);
  assert.ok(up < 1 && down < 1, `moved by ${up} and ${down} px`);

  await toPresent(ada).click();
  await ada.message("meanwhile");
  assert.equal(await newest(ada), "meanwhile");
  await toPresent(ada).waitFor({ state: "hidden" });
  assert.deepEqual(ada.problems, []);
});

test("the place in a channel is kept across others, and while messages come", { timeout: 120_000 }, async (t) => {
  const { gateway, url, browser } = await example(t);
  await fill(gateway, "general", 0, 400);
  await fill(gateway, "random", 0, 20);
  const ada = await Person.signIn(t, browser, url, "Ada", "general");
  const { page } = ada;
  await startOf(ada, "message 399").waitFor();
  await page.getByRole("log").focus();
  for (let pages = 0; pages < 12; pages++) await page.keyboard.press("PageUp");
  await toPresent(ada).waitFor();
  await atRest(page);
  const place = await firstInView(page);

  await fill(gateway, "general", 400, 403);
  await page.getByText("3 new").waitFor();
  const later = await firstInView(page);
  assert.equal(later.id, place.id);
  assert.ok(Math.abs(later.top - place.top) <= 1);

  await page.getByTestId("channel-random").click();
  await startOf(ada, "message 19").waitFor();
  await page.getByTestId("channel-general").click();
  await page.locator(`[data-message-id="${place.id}"]`).waitFor();
  const again = await firstInView(page);
  assert.equal(again.id, place.id);
  assert.ok(Math.abs(again.top - place.top) <= 1, `${again.top} was ${place.top}`);

  // What one writes is shown, wherever one was.
  await ada.write("here I am");
  await ada.message("here I am");
  await toPresent(ada).waitFor({ state: "hidden" });
  assert.deepEqual(ada.problems, []);
});

test("a line shows where reading stopped", { timeout: 120_000 }, async (t) => {
  const { gateway, url, browser } = await example(t);
  await fill(gateway, "general", 0, 10);
  const ada = await Person.signIn(t, browser, url, "Ada", "general");
  const { page } = ada;
  await startOf(ada, "message 9").waitFor();
  const line = page.getByText("New messages", { exact: true });
  assert.equal(await line.count(), 0);

  await page.goto("about:blank");
  await fill(gateway, "general", 10, 13);
  await page.goto(url);
  await line.waitFor();
  const [above, below] = await page
    .locator(".mark.unread")
    .evaluate((mark) => [mark.previousElementSibling.innerText, mark.nextElementSibling.innerText]);
  assert.match(above, /message 9/);
  assert.match(below, /message 10/);
  await ada.write("I have read it");
  await line.waitFor({ state: "hidden" });
  await page.reload();
  await ada.message("I have read it");
  assert.equal(await line.count(), 0);
  assert.deepEqual(ada.problems, []);
});

test("after the gateway was away the messages of meanwhile are there, in order", { timeout: 120_000 }, async (t) => {
  const { gateway, url, browser } = await example(t);
  await fill(gateway, "general", 0, 120);
  const ada = await Person.signIn(t, browser, url, "Ada", "general");
  await startOf(ada, "message 119").waitFor();
  await gateway.kill();
  await ada.isNotConnected();
  // Called while the gateway is gone: it waits.
  await ada.page.getByRole("log").focus();
  for (let presses = 0; presses < 3; presses++) await ada.page.keyboard.press("Home");
  await ada.page.getByText("Loading older messages…").waitFor();
  await gateway.start();
  await ada.isConnected();
  await startOf(ada, "message 0").waitFor();
  await fill(gateway, "general", 120, 122);
  await ada.page.keyboard.press("End");
  await startOf(ada, "message 121").waitFor();
  const numbers = (await ada.messages()).map(({ content }) => Number(/^message (\d+)/.exec(content)[1]));
  assert.deepEqual(
    numbers,
    Array.from(numbers, (_, index) => numbers[0] + index),
  );
  assert.deepEqual(
    ada.problems.filter((problem) => !problem.includes("WebSocket")),
    [],
  );
});
