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
    h("p", {}, "Messages appear here from the moment you join. Say hello, or drop a file to share it."),
  );
}
