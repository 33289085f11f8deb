// Runs one benchmark: node run.mjs NAME [--rounds N] [--output FILE] [--large] [--only SERIES]… [--profile]
//
// With --only some of the series run alone, with --profile each run's costliest functions are printed; the
// figures are then no result.
//
// `cargo xtask bench` starts it, with a gateway of its own in the environment, and reads the file.

import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import { origin } from "./support/origin.mjs";
import { withScope } from "./support/scope.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    output: { type: "string" },
    large: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    profile: { type: "boolean", default: false },
  },
});
const [name] = positionals;
const rounds = Number(values.rounds);
const started = Date.now();
const { peers, run } = await import(`./${name}.mjs`);
const { browsers, measures, notes = [] } = await withScope((t) => run(t, { ...values, rounds }));

const packages = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8")).devDependencies;
const result = {
  name,
  ...origin(),
  seconds: Math.round((Date.now() - started) / 1_000),
  rounds,
  versions: {
    ...browsers,
    "Node.js": process.versions.node,
    ...Object.fromEntries(peers.map((peer) => [peer, packages[peer]])),
  },
  measures,
  notes,
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
if (values.output) await writeFile(values.output, text);
else console.log(text);
