// The types of the package, checked by the compiler: as expected, in the documentation's snippets,
// and that the expectations can fail.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

import { root } from "../support/environment.mjs";
import { temporaryFolder } from "../support/package.mjs";

const here = join(root, "tests/types");
const tsc = join(root, "tests/node_modules/typescript/bin/tsc");

/** What the compiler finds wrong in a project: nothing is "". */
function compile(config) {
  return new Promise((resolve) =>
    execFile("node", [tsc, "--project", config, "--pretty", "false"], (error, stdout, stderr) =>
      resolve(error ? stdout + stderr || String(error) : ""),
    ),
  );
}

/** A copy of these tests over types of its own. */
async function copy(t, change = (types) => types) {
  const folder = await temporaryFolder(t);
  await cp(here, folder, { recursive: true });
  const config = JSON.parse(await readFile(join(here, "tsconfig.json"), "utf8"));
  config.compilerOptions.paths = { "alo-chat": ["./package/index.d.ts"], "alo-chat/inline": ["./package/inline.d.ts"] };
  config.files = ["calls.ts", "events.ts"];
  delete config.include;
  await cp(join(root, "pkg/inline.d.ts"), join(folder, "package/inline.d.ts"));
  const types = await readFile(join(root, "pkg/index.d.ts"), "utf8");
  await writeFile(join(folder, "package/index.d.ts"), change(types));
  const write = (files = config.files) =>
    writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...config, files }));
  await write();
  return { folder, write };
}

test("the types are as expected", async () => {
  assert.equal(await compile(join(here, "tsconfig.json")), "");
});

for (const name of ["send", "receive"]) {
  test(`the snippet "${name}" compiles unchanged`, async (t) => {
    const { folder, write } = await copy(t);
    const snippet = await readFile(join(root, `tests/e2e/seed/${name}.js`), "utf8");
    const prelude = 'import type { AloChat } from "alo-chat";\ndeclare const chat: AloChat;\n';
    await writeFile(join(folder, "snippet.ts"), prelude + snippet);
    await write(["snippet.ts"]);
    assert.equal(await compile(join(folder, "tsconfig.json")), "");
  });
}

describe("the expectations fail when the types drift:", () => {
  const drifts = [
    ["an event is lost", /^ {2}"typing\.stop":.*\n/m, ""],
    ["an event is added", '"typing.stop":', '"typing.pause": { channelId: string };\n  "typing.stop":'],
    ["data becomes any", '"message.new": { message: Message };', '"message.new": any;'],
    ["a field becomes optional", /^ {2}url: string;/m, "  url?: string;"],
    ["an option becomes required", /^ {2}metadata\?: object;/m, "  metadata: object;"],
    ["an error code is any text", /export type ErrorCode =[^;]*;/, "export type ErrorCode = string;"],
    ["a call resolves to anything", "Promise<Result<{ message: Message }>>", "Promise<any>"],
  ];
  for (const [what, from, to] of drifts) {
    test(what, async (t) => {
      const { folder } = await copy(t, (types) => {
        const changed = types.replace(from, to);
        assert.notEqual(changed, types, "index.d.ts no longer has what this test changes");
        return changed;
      });
      // In the expectations, that is: the types by themselves are in order.
      assert.match(await compile(join(folder, "tsconfig.json")), /(calls|events)\.ts\(.*error TS/);
    });
  }
});
