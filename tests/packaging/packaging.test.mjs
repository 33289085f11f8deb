// The packed package in the bundlers people use: each page is loaded in Chromium under a strict
// policy and sends a message with a file through a real gateway.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import * as esbuild from "esbuild";
import * as vite from "vite";
import webpack from "webpack";

import { launch, openPage } from "../support/chromium.mjs";
import { required, root } from "../support/environment.mjs";
import { mintToken } from "../support/gateway.mjs";
import { pack, project, temporaryFolder } from "../support/package.mjs";
import { serve } from "../support/serve.mjs";

const endpoint = required("ALO_TEST_ENDPOINT");
const apiKey = required("ALO_TEST_API_KEY");
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const run = promisify(execFile);

/** An app: the same for every bundler but for the import. */
const app = (imports, beforeUse = "") => `
${imports}
async function main() {
  ${beforeUse}
  const { endpoint, authToken, content } = await (await fetch("/config.json")).json();
  const chat = new AloChat({ endpoint, authToken });
  const result = await chat.sendMessage({
    channelId: "alpha",
    content,
    files: [new File(["Hello, file"], "hello.txt", { type: "text/plain" })],
  });
  chat.dispose();
  return { result, version };
}
main().then(
  (outcome) => (window.outcome = outcome),
  (error) => (window.outcome = { error: String(error?.stack ?? error) }),
);
`;
const plain = app('import { AloChat, version } from "alo-chat";');
const inline = app('import { AloChat, version } from "alo-chat/inline";');
const html = (script) => `<!doctype html><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,">${script}`;
const moduleScript = '<script type="module" src="/app.js"></script>';

/** What a page of ours may do: scripts of its own, and wasm; connections to itself and the gateway. */
function policy(scripts = "") {
  const socket = endpoint.replace(/^http/, "ws");
  return [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval' ${scripts}`,
    "img-src data:",
    `connect-src 'self' ${endpoint} ${socket}`,
  ].join("; ");
}

describe("the packed package", () => {
  let browser;
  let packed;
  // Suites have no `after` of their own to pass on: what lasts for all tests is ended here.
  const ending = [];
  const suite = { after: (end) => ending.unshift(end) };

  before(async () => {
    packed = await pack(await temporaryFolder(suite));
    browser = await launch(suite);
  });
  after(async () => {
    for (const end of ending) await end();
  });

  /** Opens the page and checks that it sent its message. */
  async function sends(t, url, expected) {
    const { page, problems } = await openPage(browser, t);
    await page.goto(url);
    await page.waitForFunction(() => window.outcome !== undefined, undefined, { timeout: 60_000 });
    const outcome = await page.evaluate(() => window.outcome);
    assert.deepEqual(problems, []);
    assert.equal(outcome.error, undefined);
    assert.deepEqual(outcome.result.status, { error: false });
    const { message } = outcome.result.response;
    assert.match(message.id, UUID);
    assert.equal(message.content, expected);
    assert.equal(message.files.length, 1);
    assert.equal(message.files[0].name, "hello.txt");
    assert.equal(message.files[0].size, 11);
    const { version } = createRequire(import.meta.url)(join(root, "pkg/package.json"));
    assert.equal(outcome.version, version);
  }

  /** The page's own settings, with a token of its own. */
  async function config(content) {
    const authToken = await mintToken({ endpoint, apiKey, userId: "packager", channelIds: ["alpha"] });
    return { endpoint, authToken, content };
  }

  async function newProject(t, files) {
    return project(await temporaryFolder(t), packed.tarball, files);
  }

  /** Serves a built page and checks that it sent its message. */
  async function servedSends(t, folder, name, { files = {}, scripts } = {}) {
    const served = await serve(t, folder, {
      files: { "/config.json": await config(name), ...files },
      csp: policy(scripts),
    });
    await sends(t, served.url, name);
    return served;
  }

  test("holds exactly what it should", () => {
    // wasm-bindgen puts a hash into the name of a folder.
    const files = packed.files.map((file) => file.replace(/(snippets\/alo-chat)-[0-9a-f]+/, "$1"));
    assert.deepEqual(files, [
      "LICENSE-APACHE",
      "LICENSE-MIT",
      "README.md",
      "alo_chat_bg.wasm",
      "causes.js",
      "chat.js",
      "check.js",
      "engine/alo_chat.js",
      "engine/snippets/alo-chat/src/web/frames.js",
      "engine/wasm_inline.js",
      "first-flight.js",
      "index.d.ts",
      "index.js",
      "inline.d.ts",
      "inline.js",
      "listeners.js",
      "live.js",
      "outbox.js",
      "package.json",
      "results.js",
      "types/counts.d.ts",
      "types/delete.d.ts",
      "types/events.d.ts",
      "types/files.d.ts",
      "types/history.d.ts",
      "types/message.d.ts",
      "types/outbox.d.ts",
      "types/reads.d.ts",
      "types/result.d.ts",
      "types/send.d.ts",
      "types/status.d.ts",
      "types/subscribe.d.ts",
      "types/typing.d.ts",
      "uploads.js",
    ]);
  });

  test("does nothing when a server imports it", async (t) => {
    const folder = await newProject(t, {
      "server.js": `
        const before = Object.keys(globalThis).length;
        for (const name of ["alo-chat", "alo-chat/inline"]) {
          const { AloChat, ready, version } = await import(name);
          new AloChat({ endpoint: "http://127.0.0.1:9", authToken: "token" });
          console.log(name, typeof AloChat, typeof ready, typeof version);
        }
        console.log(Object.keys(globalThis).length - before);
      `,
    });
    // The process ends: nothing was left open.
    const { stdout, stderr } = await run("node", ["server.js"], { cwd: folder, timeout: 20_000 });
    assert.equal(stdout, "alo-chat function function string\nalo-chat/inline function function string\n0\n");
    assert.equal(stderr, "");
  });

  test("Vite", async (t) => {
    const folder = await newProject(t, { "index.html": html(moduleScript), "app.js": plain });
    await vite.build({ root: folder, configFile: false, logLevel: "error" });
    await servedSends(t, join(folder, "dist"), "from Vite");
  });

  test("Vite's development server", async (t) => {
    const settings = await config("from Vite's development server");
    const folder = await newProject(t, {
      "index.html": html(moduleScript),
      "app.js": plain,
      "public/config.json": JSON.stringify(settings),
    });
    const server = await vite.createServer({
      root: folder,
      configFile: false,
      logLevel: "error",
      server: { host: "127.0.0.1", port: 0, hmr: false, watch: null },
    });
    t.after(() => server.close());
    await server.listen();
    await sends(t, server.resolvedUrls.local[0], settings.content);
  });

  test("webpack", async (t) => {
    const folder = await newProject(t, { "app.js": plain });
    const stats = await new Promise((resolve, reject) =>
      webpack(
        {
          mode: "production",
          context: folder,
          entry: "./app.js",
          output: { path: join(folder, "dist"), filename: "app.js", publicPath: "/" },
          performance: false,
        },
        (error, stats) => (error ? reject(error) : resolve(stats)),
      ),
    );
    assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }).errors, []);
    assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }).warnings, []);
    await servedSends(t, join(folder, "dist"), "from webpack", { files: { "/index.html": html(moduleScript) } });
  });

  test("esbuild, with the wasm beside the bundle", async (t) => {
    const folder = await newProject(t, { "app.js": plain });
    const dist = join(folder, "dist");
    await esbuild.build({ absWorkingDir: folder, entryPoints: ["app.js"], bundle: true, format: "esm", outdir: dist });
    await copyFile(join(folder, "node_modules/alo-chat/alo_chat_bg.wasm"), join(dist, "alo_chat_bg.wasm"));
    await servedSends(t, dist, "from esbuild", { files: { "/index.html": html(moduleScript) } });
  });

  test("esbuild, with its file loader and ready()", async (t) => {
    const imports = `
      import { AloChat, ready, version } from "alo-chat";
      import wasm from "alo-chat/alo_chat_bg.wasm";`;
    const folder = await newProject(t, { "app.js": app(imports, "await ready(wasm);") });
    await esbuild.build({
      absWorkingDir: folder,
      entryPoints: ["app.js"],
      bundle: true,
      minify: true,
      format: "esm",
      loader: { ".wasm": "file" },
      publicPath: "/",
      outdir: join(folder, "dist"),
    });
    await servedSends(t, join(folder, "dist"), "from esbuild's loader", {
      files: { "/index.html": html(moduleScript) },
    });
  });

  test("a plain module script", async (t) => {
    const folder = await newProject(t, { "app.js": plain });
    const map = JSON.stringify({ imports: { "alo-chat": "/node_modules/alo-chat/index.js" } });
    const hash = createHash("sha256").update(map).digest("base64");
    const served = await servedSends(t, folder, "from a plain script", {
      files: { "/index.html": html(`<script type="importmap">${map}</script>${moduleScript}`) },
      scripts: `'sha256-${hash}'`,
    });
    const loaded = served.requested.filter((path) => path.endsWith(".wasm"));
    assert.deepEqual(loaded, ["/node_modules/alo-chat/alo_chat_bg.wasm"]);
  });

  test("the inline variant needs no file beside it", async (t) => {
    const folder = await newProject(t, { "app.js": inline });
    const dist = join(folder, "dist");
    await esbuild.build({ absWorkingDir: folder, entryPoints: ["app.js"], bundle: true, format: "esm", outdir: dist });
    assert.deepEqual(await readdir(dist), ["app.js"]);
    await servedSends(t, dist, "from the inline variant", { files: { "/index.html": html(moduleScript) } });
  });

  test("the inline variant in Vite takes no wasm along", async (t) => {
    const folder = await newProject(t, { "index.html": html(moduleScript), "app.js": inline });
    await vite.build({ root: folder, configFile: false, logLevel: "error" });
    const assets = await readdir(join(folder, "dist/assets"));
    assert.deepEqual(
      assets.filter((name) => name.endsWith(".wasm")),
      [],
    );
    await servedSends(t, join(folder, "dist"), "from the inline variant in Vite");
  });
});
