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

/** A copy of these tests and of the package's types; `change` alters a file of them, by its path. */
async function copy(t, path, change) {
  const folder = await temporaryFolder(t);
  await cp(here, folder, { recursive: true });
  const config = JSON.parse(await readFile(join(here, "tsconfig.json"), "utf8"));
  config.compilerOptions.paths = { "alo-chat": ["./package/index.d.ts"], "alo-chat/inline": ["./package/inline.d.ts"] };
  config.files = ["calls.ts", "events.ts", "golden.ts"];
  delete config.include;
  for (const name of ["index.d.ts", "inline.d.ts", "types"]) {
    await cp(join(root, "pkg", name), join(folder, "package", name), { recursive: true });
  }
  if (path) {
    const text = await readFile(join(folder, path), "utf8");
    const changed = change(text);
    assert.notEqual(changed, text, `${path} no longer has what this test changes`);
    await writeFile(join(folder, path), changed);
  }
  const write = (files = config.files) =>
    writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...config, files }));
  await write();
  return { folder, write };
}

test("the types are as expected, and those of the protocol", async () => {
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

/** A test for each change: the compiler must find fault in the file of expectations that is named. */
function drifts(where, changes) {
  for (const [what, path, from, to] of changes) {
    test(what, async (t) => {
      const { folder } = await copy(t, path, (text) => text.replace(from, to));
      // In the expectations, that is: the types by themselves are in order.
      assert.match(await compile(join(folder, "tsconfig.json")), where);
    });
  }
}

describe("the expectations fail when the types drift:", () => {
  drifts(/\/(calls|events)\.ts\(.*error TS2/, [
    ["an event is lost", "package/types/files.d.ts", /^ {2}"file\.upload\.complete":.*\n/m, ""],
    ["an event is added", "package/types/files.d.ts", /(?=^ {2}"file\.upload\.complete":)/m, '"file.pause": { id: string };\n'],
    ["data becomes any", "package/types/subscribe.d.ts", '"message.new": { message: Message };', '"message.new": any;'],
    ["a field becomes optional", "package/types/files.d.ts", /^ {2}url: string;/m, "  url?: string;"],
    ["an option becomes required", "package/types/send.d.ts", /^ {2}metadata\?: object;/m, "  metadata: object;"],
    ["an error code is any text", "package/types/result.d.ts", /export type ErrorCode =[^;]*;/, "export type ErrorCode = string;"],
    ["a call resolves to anything", "package/types/send.d.ts", "Promise<Result<{ message: Message }>>", "Promise<any>"],
  ]);
});

describe("the comparison with the protocol fails when", () => {
  const history = "package/types/history.d.ts";
  drifts(/\/golden\.ts\(.*error TS2/, [
    ["the protocol renames a method", "golden.ts", '| "history.around"', '| "history.near"'],
    ["the protocol has a method more", "golden.ts", '| "history.around"', '| "history.around"\n      | "reads.mark"'],
    ["the protocol has a method less", "golden.ts", /^ *\| "auth\.refresh"\n/m, ""],
    ["the protocol renames an event", "golden.ts", '| "message.new"', '| "message.sent"'],
    ["the protocol has an event less", "golden.ts", /^ *\| "outbox\.warning"\n/m, ""],
    ["the protocol has an error code more", "golden.ts", '| "internal"', '| "internal"\n      | "teapot"'],
    ["the protocol has an error code less", "golden.ts", /^ *\| "internal"\n/m, ""],
    ["the protocol has a reason for gaps more", "golden.ts", '| "cursor-ahead"\n', '| "cursor-ahead"\n      | "lost"\n'],
    ["the protocol writes a key more", "golden.ts", '"tokenExpiresInMs":', '"issuedAt": 1,\n  "tokenExpiresInMs":'],
    ["it writes a key more in a message of a list", "golden.ts", /(?<="messages": \[\n {4}\{\n)/, '"edited": true,\n'],
    ["it writes a key more in a parent", "golden.ts", /(?<="parent": \{\n)/, '"edited": true,\n'],
    ["it writes no longer what the types require", "golden.ts", /^ *"userId": "ada"\n/gm, ""],
    ["it writes another type", "golden.ts", /"seq": 41,/g, '"seq": "41",'],
    ["it never writes an optional key", "golden.ts", /^ *"olderPageToken": .*\n/gm, ""],
    ["it never writes an optional key of a message", "golden.ts", /^ *"rootMessageId": .*\n/gm, ""],
    ["the types require a key more", history, "cursor: {", "total: number;\n  cursor: {"],
    ["the types allow a key more", history, "cursor: {", "total?: number;\n  cursor: {"],
    ["the types allow a key more in a message", "package/types/message.d.ts", "seq: number;", "seq: number;\n  edited?: true;"],
    ["the types lose a key", history, /^ {2}olderPageToken\?: string;\n/gm, ""],
    ["an option becomes required", history, "olderPageToken?: string;", "olderPageToken: string;"],
    ["a file loses a key", "package/types/files.d.ts", /^ {2}url: string;\n/m, ""],
  ]);
});
