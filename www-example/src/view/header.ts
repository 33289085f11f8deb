// The open channel's name, and what is always available.

import type { Context } from "./context.ts";
import { h, setText } from "./dom.ts";
import type { Drawer } from "./drawer.ts";
import { icon } from "./icons.ts";
import { themeButton } from "./theme.ts";

export class ChatHeader {
  readonly element: HTMLElement;
  readonly #context: Context;
  readonly #name = h("span");
  readonly #topic = h("p", { class: "topic" });
  readonly #badge = h("span", { class: "menu-badge", hidden: true });

  constructor(context: Context, drawer: Drawer, connection: HTMLElement, signal: AbortSignal) {
    this.#context = context;
    drawer.opener.append(icon("menu"), this.#badge);
    this.element = h(
      "header",
      { class: "chat-header" },
      drawer.opener,
      h(
        "div",
        { class: "chat-title" },
        h("h1", {}, h("span", { class: "hash", "aria-hidden": "true" }, "#"), this.#name),
        this.#topic,
      ),
      connection,
      themeButton(signal),
    );
  }

  render(): void {
    const { active, channels } = this.#context.store;
    setText(this.#name, active.name);
    setText(this.#topic, active.topic);
    this.#badge.hidden = !channels.some((channel) => channel !== active && channel.unread > 0);
  }
}
