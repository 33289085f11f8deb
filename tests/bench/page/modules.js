// What can be seen from outside of the modules this page instantiates: to be imported before they are.

const modules = [];

const { instantiateStreaming } = WebAssembly;
WebAssembly.instantiateStreaming = async (...args) => {
  const started = performance.now();
  const made = await instantiateStreaming.apply(WebAssembly, args);
  // What the exports are called is the module's own business.
  const memory = Object.values(made.instance.exports).find((value) => value instanceof WebAssembly.Memory);
  modules.push({ ms: performance.now() - started, memory });
  return made;
};

/** Milliseconds from the request for the first module until it could be used; 0 if there is none. */
export function instantiateMs() {
  return modules[0]?.ms ?? 0;
}

/** Bytes of all modules' memories. */
export function memoryBytes() {
  return modules.reduce((sum, { memory }) => sum + memory.buffer.byteLength, 0);
}
