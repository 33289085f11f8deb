import { define, version } from "./chat.js";

// The wasm beside the glue, found by `new URL(…, import.meta.url)`, which bundlers follow.
const { AloChat, ready } = define(() => undefined);

export { AloChat, ready, version };
