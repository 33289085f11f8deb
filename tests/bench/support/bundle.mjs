// Pages made from page/ as an app would make them: bundled and minified, the wasm beside the bundle.

import { copyFile } from "node:fs/promises";
import { join } from "node:path";

import { build } from "esbuild";

import { root } from "../../support/environment.mjs";
import { temporaryFolder } from "../../support/package.mjs";

const PKG = join(root, "pkg");

/**
 * Bundles scripts of page/, by their paths without the ending, each for itself: none shares code with another.
 * Returns the folder to serve.
 */
export async function bundle(t, entries) {
  const outdir = await temporaryFolder(t);
  for (const entry of entries) {
    await build({
      absWorkingDir: join(root, "tests/bench/page"),
      entryPoints: [`${entry}.js`],
      outdir,
      outbase: ".",
      alias: { "alo-chat": join(PKG, "index.js") },
      bundle: true,
      // What is imported when it is needed stays apart.
      splitting: true,
      minify: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      logLevel: "error",
    });
  }
  // Where esbuild leaves the address of the module to look for it: beside whichever file holds the loader.
  for (const folder of new Set(["", ...entries.map((entry) => join(entry, ".."))])) {
    await copyFile(join(PKG, "alo_chat_bg.wasm"), join(outdir, folder, "alo_chat_bg.wasm"));
  }
  return outdir;
}
