// The example chat in two windows.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { launch } from "../support/chromium.mjs";
import { required } from "../support/environment.mjs";
import { Person, startExample } from "../support/example.mjs";
import { Gateway } from "../support/gateway.mjs";
import { countKept } from "../support/kept.mjs";
import { temporaryFolder } from "../support/package.mjs";

const MIB = 1024 * 1024;
/** A red dot: a PNG of 5 by 5 pixels. */
const IMAGE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==",
  "base64",
);

/** A gateway and the example over it, with two people in the channel general. */
async function twoPeople(t) {
  const gateway = new Gateway(t, {
    binary: required("ALO_GATEWAY"),
    data: await temporaryFolder(t),
    apiKey: "a key of 32 bytes for this test alone",
  });
  await gateway.start();
  const url = await startExample(t, gateway);
  const browser = await launch(t);
  const ada = await Person.signIn(t, browser, url, "Ada", "general");
  const grace = await Person.signIn(t, browser, url, "Grace", "general");
  return { gateway, ada, grace };
}

/** A file of random bytes. */
async function randomFile(path, size) {
  const file = await open(path, "w");
  for (let written = 0; written < size; written += MIB) await file.write(randomBytes(Math.min(MIB, size - written)));
  await file.close();
  return path;
}

async function sha256(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

test("text, a reply, an image and a file of 50 MB go from one window to the other", { timeout: 180_000 }, async (t) => {
  const { ada, grace } = await twoPeople(t);

  await ada.write("Hello, Grace");
  const original = await grace.message("Hello, Grace");
  const id = await original.getAttribute("data-message-id");
  assert.equal(await (await ada.message("Hello, Grace")).getAttribute("data-message-id"), id);

  await original.hover();
  await original.getByTestId("reply-button").click();
  await grace.write("Hello, Ada");
  const reply = await ada.message("Hello, Ada");
  assert.match(await reply.getByTestId("reply-preview").innerText(), /Hello, Grace/);

  const folder = await temporaryFolder(t);
  const image = join(folder, "точка.png");
  await writeFile(image, IMAGE);
  await ada.sendFile(image, "Look");
  const withImage = await grace.message("Look");
  await withImage.scrollIntoViewIfNeeded();
  assert.equal(await withImage.getByTestId("attachment").getAttribute("data-name"), "точка.png");
  const preview = withImage.getByTestId("attachment").locator("img");
  await preview.waitFor();
  await grace.page.waitForFunction((img) => img.complete && img.naturalWidth === 5, await preview.elementHandle());

  const large = await randomFile(join(folder, "large.bin"), 50 * MIB);
  await ada.sendFile(large, "Here it is");
  const withFile = await grace.message("Here it is");
  const attachment = withFile.getByTestId("attachment");
  assert.equal(await attachment.getAttribute("data-name"), "large.bin");
  const downloading = grace.page.waitForEvent("download", { timeout: 60_000 });
  await attachment.getByTestId("attachment-download").click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), "large.bin");
  assert.equal(await sha256(await download.path()), await sha256(large));

  assert.deepEqual([...ada.problems, ...grace.problems], []);
});

test("content is shown, not run", { timeout: 60_000 }, async (t) => {
  const { ada, grace } = await twoPeople(t);
  const attack = '<img src="x" onerror="window.harmed = true"><script>window.harmed = true</script><b>bold</b>';
  await ada.write(attack);
  await ada.write("after it");
  await grace.message("after it");
  for (const { page } of [ada, grace]) {
    assert.equal(await page.evaluate(() => window.harmed), undefined);
    assert.equal(await page.locator('[data-testid="message-content"] [onerror]').count(), 0);
    assert.equal(await page.locator('[data-testid="message-content"] script').count(), 0);
  }
});

test("both windows show everything once and in order after the gateway was killed", { timeout: 240_000 }, async (t) => {
  const { gateway, ada, grace } = await twoPeople(t);
  const folder = await temporaryFolder(t);
  const large = await randomFile(join(folder, "large.bin"), 128 * MIB);

  const expected = [];
  const writeSome = async (count) => {
    for (let index = 0; index < count; index++) {
      const content = `message ${expected.length}`;
      expected.push(content);
      await ada.write(content);
    }
  };
  await writeSome(5);
  await ada.sendFile(large, "the file");
  const progress = ada.page.getByTestId("upload-progress");
  await progress.first().waitFor();
  const killed = gateway.kill();
  await writeSome(5);
  await killed;
  assert.ok(await progress.first().isVisible(), "the upload was over before the gateway was killed");
  await Promise.all([ada.isNotConnected(), grace.isNotConnected()]);
  // Written while there is no gateway at all.
  await writeSome(10);
  await gateway.start();
  await Promise.all([ada.isConnected(), grace.isConnected()]);
  await writeSome(5);

  await grace.message("the file");
  await ada.message("the file");
  await ada.write("the end");
  for (const person of [ada, grace]) {
    await person.message("the end");
    await person.page.waitForFunction(() => !document.querySelector('[data-testid="message"][data-state="pending"]'));
    const shown = await person.messages();
    assert.deepEqual(
      shown.filter(({ state }) => state !== "sent"),
      [],
    );
    assert.deepEqual(
      shown.map(({ content }) => content).filter((content) => content !== "the file"),
      [...expected, "the end"],
    );
    assert.equal(shown.filter(({ content }) => content === "the file").length, 1);
    assert.equal(new Set(shown.map(({ id }) => id)).size, shown.length);
  }
  const ids = async (person) => (await person.messages()).map(({ id }) => id);
  assert.deepEqual(await ids(ada), await ids(grace));
});

test("what was not sent when the page was left is sent when it is opened again", { timeout: 120_000 }, async (t) => {
  const { gateway, ada, grace } = await twoPeople(t);
  const url = ada.page.url();
  await gateway.kill();
  await ada.isNotConnected();
  const contents = ["one", "two", "three"];
  for (const content of contents) await ada.write(content);
  await ada.page.waitForFunction(countKept, contents.length);
  // It does not ask: nothing would be lost.
  await ada.page.goto("about:blank");
  await gateway.start();
  await ada.page.goto(url);
  for (const content of contents) {
    await ada.message(content);
    await grace.message(content);
  }
  for (const { page } of [ada, grace]) assert.deepEqual(await ordered(page), contents);
  assert.deepEqual((await ada.messages()).map(({ state }) => state), ["sent", "sent", "sent"]);
});

const ordered = (page) => page.getByTestId("message-content").allInnerTexts();
