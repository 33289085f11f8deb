// A page in Chromium with one bundled script, and what DevTools know of it.

import { launch, openPage } from "../../support/chromium.mjs";
import { serve } from "../../support/serve.mjs";
import { bundle } from "./bundle.mjs";
import { within } from "./scope.mjs";

/** How long a call into the page may take, in milliseconds. */
const RUN = 180_000;

/** Headers with which a page gets a clock of 5 microseconds instead of 100. */
export const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** A page that loads `script`. */
export function html(script) {
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><input type="file" multiple>
<script type="module" src="${script}"></script>`;
}

/** Serves the page of a script in page/, which puts its functions into `globalThis.bench`. */
export async function servePage(t, name) {
  const folder = await bundle(t, [name]);
  const { url } = await serve(t, folder, { files: { "/index.html": html(`/${name}.js`) }, headers: ISOLATED });
  return url;
}

/**
 * Opens such a page in Chromium. `call(name, ...args)` calls a function of its `bench` and fails when that takes
 * too long, or when anything went wrong in the page.
 */
export async function openBench(t, name) {
  const url = await servePage(t, name);
  const browser = await launch(t);
  const { page, problems } = await openPage(browser, t);
  await page.goto(url);
  const call = await callerOf(page, problems);
  return { version: browser.version(), page, call, devtools: await DevTools.of(page) };
}

/** Waits for the `bench` of a page and returns its `call`. */
export async function callerOf(page, problems) {
  await page.waitForFunction(() => globalThis.bench !== undefined);
  return async (name, ...args) => {
    const ran = page.evaluate(([name, args]) => globalThis.bench[name](...args), [name, args]);
    const value = await within(RUN, `bench.${name}`, ran);
    if (problems.length > 0) throw new Error(`in the page: ${problems.join("; ")}`);
    return value;
  };
}

/** Counters of a page. */
export class DevTools {
  #session;

  constructor(session) {
    this.#session = session;
  }

  static async of(page) {
    const session = await page.context().newCDPSession(page);
    // The time the thread has worked, not the time that has passed.
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await session.send("HeapProfiler.enable");
    return new DevTools(session);
  }

  /** Seconds of script and of all tasks of the main thread, and bytes of its heap. */
  async metrics() {
    const { metrics } = await this.#session.send("Performance.getMetrics");
    const { ScriptDuration, TaskDuration, JSHeapUsedSize } = Object.fromEntries(
      metrics.map(({ name, value }) => [name, value]),
    );
    return { script: ScriptDuration, task: TaskDuration, heap: JSHeapUsedSize };
  }

  collectGarbage() {
    return this.#session.send("HeapProfiler.collectGarbage");
  }

  /** Profiles what runs until the returned function is called; that prints the functions that took most. */
  async profile() {
    await this.#session.send("Profiler.enable");
    await this.#session.send("Profiler.start");
    return async () => {
      const { profile } = await this.#session.send("Profiler.stop");
      const self = new Map();
      const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
      profile.samples.forEach((id, index) => {
        const { functionName, url } = nodes.get(id).callFrame;
        const name = `${functionName || "(anonymous)"} ${url.split("/").at(-1)}`;
        self.set(name, (self.get(name) ?? 0) + profile.timeDeltas[index] / 1_000);
      });
      const sorted = [...self].sort(([, one], [, other]) => other - one);
      for (const [name, ms] of sorted.slice(0, 20)) console.error(`${ms.toFixed(1).padStart(10)} ms  ${name}`);
    };
  }
}
