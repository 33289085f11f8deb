// The gateway's uploads are tus: another client of the standard, tus-js-client, works with it.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { Upload } from "tus-js-client";

import { required } from "../support/environment.mjs";
import { mintToken } from "../support/gateway.mjs";

const endpoint = required("ALO_TEST_ENDPOINT");
const apiKey = required("ALO_TEST_API_KEY");

/** Starts an upload in pieces; `onUrl` receives its address, `onProgress` its progress. */
function upload(bytes, token, options = {}) {
  return new Promise((resolve, reject) => {
    const one = new Upload(bytes, {
      endpoint: `${endpoint}/v1/files`,
      headers: { Authorization: `Bearer ${token}` },
      metadata: { filename: "from tus.bin", filetype: "application/octet-stream", channelId: "alpha", lastModified: "0" },
      chunkSize: 256 * 1024,
      retryDelays: null,
      onError: reject,
      onSuccess: () => resolve(one.url),
      ...options,
      ...(options.onChunkComplete && {
        onChunkComplete: (size, accepted) => options.onChunkComplete(one, accepted, resolve),
      }),
    });
    one.start();
  });
}

async function download(url, token) {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

test("an upload in pieces comes back whole", async () => {
  const token = await mintToken({ endpoint, apiKey, userId: "tus", channelIds: ["alpha"] });
  const bytes = randomBytes(1024 * 1024 + 17);
  const url = await upload(bytes, token);
  assert.equal(sha256(await download(url, token)), sha256(bytes));
});

test("an upload that was broken off goes on where it stopped", async () => {
  const token = await mintToken({ endpoint, apiKey, userId: "tus", channelIds: ["alpha"] });
  const bytes = randomBytes(1024 * 1024);
  const url = await upload(bytes, token, {
    onChunkComplete: (one, accepted, resolve) => {
      if (accepted >= 512 * 1024) void one.abort().then(() => resolve(one.url));
    },
  });
  const sizes = [];
  await upload(bytes, token, { uploadUrl: url, onProgress: (sent) => sizes.push(sent) });
  assert.ok(Math.min(...sizes) >= 512 * 1024, `started again at ${Math.min(...sizes)}`);
  assert.equal(sha256(await download(url, token)), sha256(bytes));
});

test("creation-with-upload puts the first bytes into the first request", async () => {
  const token = await mintToken({ endpoint, apiKey, userId: "tus", channelIds: ["alpha"] });
  const bytes = randomBytes(1000);
  const methods = [];
  const url = await upload(bytes, token, {
    uploadDataDuringCreation: true,
    onBeforeRequest: (request) => void methods.push(request.getMethod()),
  });
  assert.deepEqual(methods, ["POST"]);
  assert.equal(sha256(await download(url, token)), sha256(bytes));
});
