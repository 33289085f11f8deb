import { define, version } from "./chat.js";

// Bundlers follow `new URL(…, import.meta.url)` and take the file along.
const { AloChat, ready } = define(() => new URL("./alo_chat_bg.wasm", import.meta.url));

export { AloChat, ready, version };
