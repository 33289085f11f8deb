import init, { Engine } from "./engine/alo_chat.js";
import { define, version } from "./chat.js";

// Bundlers recognise `new URL(…, import.meta.url)` and include the file.
const { AloChat, ready } = define(() => new URL("./alo_chat_bg.wasm", import.meta.url), init, Engine);

export { AloChat, ready, version };
