import type { Channel } from "../state/store.ts";
import { h } from "./dom.ts";
import { logo } from "./icons.ts";

/** Shown in a channel without messages. */
export function emptyState(channel: Channel): HTMLElement {
  return h(
    "div",
    { class: "empty" },
    logo(),
    h("h2", {}, `It is quiet in #${channel.name}`),
    h("p", {}, `This is where #${channel.name} begins. Say hello, or drop a file to share it.`),
  );
}
