/** alo-chat with the engine inside the JavaScript, for hosts that cannot serve a `.wasm` file. */
export * from "./index.js";
