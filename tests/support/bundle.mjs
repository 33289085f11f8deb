// TypeScript of the example, for Node: its state needs no browser.

import { join } from "node:path";

import { build } from "esbuild";

import { root } from "./environment.mjs";

/** What these modules of www-example/src export. */
export async function exampleModules(...paths) {
  const { outputFiles } = await build({
    stdin: {
      contents: paths.map((path) => `export * from "./${path}";`).join("\n"),
      resolveDir: join(root, "www-example/src"),
    },
    bundle: true,
    format: "esm",
    platform: "neutral",
    write: false,
  });
  const [{ text }] = outputFiles;
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
}
