// As events.js, with what it takes to see the memory of the module.

import { memoryBytes } from "./modules.js";
import "./events.js";

globalThis.bench.wasm = memoryBytes;
