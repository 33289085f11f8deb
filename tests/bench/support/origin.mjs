// When and where a benchmark runs. As a program it prints that.

import { cpus, totalmem } from "node:os";
import { pathToFileURL } from "node:url";

/** `{date, machine}`, as results have them. */
export function origin() {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: { cores: cpus().length, cpu: cpus()[0]?.model ?? "unknown", memoryBytes: totalmem() },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) console.log(JSON.stringify(origin()));
