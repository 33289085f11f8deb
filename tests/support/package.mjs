// The packed package, as npm would publish it, and projects that have it installed.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { root } from "./environment.mjs";

const run = promisify(execFile);

/** An empty folder that goes when the test, or the file of tests, has ended. */
export async function temporaryFolder(t) {
  const folder = await mkdtemp(join(tmpdir(), "alo-chat-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Packs pkg/ into `folder`; returns the tarball's path and the files in it. */
export async function pack(folder) {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: join(root, "pkg") });
  const packed = JSON.parse(stdout);
  // An array until npm 11, by name from then on.
  const [{ filename, files }] = Object.values(packed);
  return { tarball: join(folder, filename), files: files.map((file) => file.path).sort() };
}

/** A project with the tarball installed and the given files, by path. */
export async function project(folder, tarball, files = {}) {
  const manifest = { name: "an-app", private: true, type: "module" };
  for (const [path, text] of Object.entries({ "package.json": JSON.stringify(manifest), ...files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  // The package has no dependencies, so no registry is asked.
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--no-package-lock", tarball], { cwd: folder });
  return folder;
}
