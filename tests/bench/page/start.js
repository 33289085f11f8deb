// Loads a client and subscribes, and takes the time of both; small, as it is loaded before.

import { instantiateMs } from "./modules.js";

globalThis.bench = {
  /** Milliseconds until the client is loaded and until its first subscription is answered, and all bytes. */
  async start(client, options) {
    // Relative to the page: the bundler must leave it alone.
    const address = new URL(`/clients/${client}.js`, location.href).href;
    const started = performance.now();
    const { connect } = await import(address);
    const loaded = performance.now();
    const { close } = await connect({ ...options, onContent() {} });
    const subscribed = performance.now();
    await close();
    const files = performance.getEntriesByType("resource").filter(({ startTime }) => startTime >= started);
    const own = files.filter(({ name }) => name.startsWith(location.origin));
    const module = own.find(({ name }) => name.endsWith(".wasm"));
    return {
      loadMs: loaded - started,
      totalMs: subscribed - started,
      instantiateMs: instantiateMs(),
      compileMs: module ? await compileMs(module.name) : 0,
      bytes: own.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    };
  },
};

/** Milliseconds to compile the module alone, from bytes that are there. */
async function compileMs(address) {
  const bytes = await (await fetch(address)).arrayBuffer();
  const started = performance.now();
  await WebAssembly.compile(bytes);
  return performance.now() - started;
}
