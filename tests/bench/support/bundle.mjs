// Pages made from page/ as an app would make them: bundled and minified, the wasm beside the bundle.

import { copyFile } from "node:fs/promises";
import { join } from "node:path";

import { build } from "esbuild";

import { root } from "../../support/environment.mjs";
import { temporaryFolder } from "../../support/package.mjs";

const PKG = join(root, "pkg");

/** Bundles scripts of page/, by their paths without the ending; gives the folder to serve. */
export async function bundle(t, entries, { splitting = false } = {}) {
  const outdir = await temporaryFolder(t);
  await build({
    absWorkingDir: join(root, "tests/bench/page"),
    entryPoints: entries.map((entry) => `${entry}.js`),
    outdir,
    outbase: ".",
    alias: { "alo-chat": join(PKG, "index.js") },
    bundle: true,
    splitting,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
  });
  // Where esbuild leaves the address of the module to look for it: beside whichever file holds the loader.
  for (const folder of new Set(["", ...entries.map((entry) => join(entry, ".."))])) {
    await copyFile(join(PKG, "alo_chat_bg.wasm"), join(outdir, folder, "alo_chat_bg.wasm"));
  }
  return outdir;
}
