import init, { Engine } from "./engine/alo_chat.js";
import { define, version } from "./chat.js";
import base64 from "./engine/wasm_inline.js";

// The wasm inside the JavaScript, for bundlers and hosts that cannot serve it as a file.
const { AloChat, ready } = define(
  () => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)),
  init,
  Engine,
);

export { AloChat, ready, version };
