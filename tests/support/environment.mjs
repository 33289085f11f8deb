// What `cargo xtask test` passes to the tests, and the folders they work with.

import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const chromiumPath = process.env.ALO_CHROMIUM ?? "/usr/bin/chromium";

/** A variable without which a test cannot run. */
export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run these tests by \`cargo xtask test\``);
  return value;
}
