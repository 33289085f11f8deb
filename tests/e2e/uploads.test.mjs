// Where the requests of files go: never with a token to another host.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch } from "../support/chromium.mjs";
import { required } from "../support/environment.mjs";
import { front } from "../support/front.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { files, openChat } from "../support/page.mjs";
import { serve } from "../support/serve.mjs";

const endpoint = required("ALO_TEST_ENDPOINT");
const apiKey = required("ALO_TEST_API_KEY");

const allow = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "*",
  "Access-Control-Allow-Headers": "*, Authorization",
};

test("a redirect of an upload or a download ends the call, and no token follows it", { timeout: 60_000 }, async (t) => {
  const elsewhere = [];
  const other = await front(t, endpoint, {
    answer: (request, response) => {
      elsewhere.push(`${request.method} ${request.headers.authorization}`);
      response.writeHead(request.method === "OPTIONS" ? 204 : 200, allow).end();
      return true;
    },
  });
  const through = await front(t, endpoint, {
    answer: (request, response) => {
      if (request.method === "OPTIONS" || !request.url.startsWith("/v1/files")) return false;
      response.writeHead(307, { ...allow, Location: `${other}${request.url}` }).end();
      return true;
    },
  });
  const folder = await temporaryFolder(t);
  const { tarball } = await pack(folder);
  const { url } = await serve(t, await project(folder, tarball), { files });
  const channelIds = ["alpha"];
  const { page } = await openChat(t, await launch(t), url, { endpoint, apiKey, userId: "ada", channelIds, through });

  const [up, down] = await page.evaluate(async () => [
    await chat.sendMessage({ channelId: "alpha", content: "with a file", files: [new File(["bytes"], "a.txt")] }),
    await chat.downloadFile({ file: { id: "8e8a4e05-12e3-43b5-882e-d9711426f8e3" } }),
  ]);
  assert.equal(up.status.errorData?.code, "upload-failed");
  assert.match(up.status.errorData.message, /a\.txt.*redirect/);
  assert.equal(down.status.errorData?.code, "unavailable");
  assert.match(down.status.errorData.message, /redirect/);
  assert.deepEqual(elsewhere, []);
});
