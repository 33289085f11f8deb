// The channels, and who is signed in.

import type { Channel } from "../state/store.ts";
import { avatar } from "./avatar.ts";
import type { Context } from "./context.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { icon, logo } from "./icons.ts";

interface Item {
  channel: Channel;
  button: HTMLButtonElement;
  count: HTMLElement;
  label: HTMLElement;
}

export class Sidebar {
  readonly element: HTMLElement;
  readonly #context: Context;
  readonly #items: Item[];

  constructor(context: Context, opened: () => void, signOut: () => void) {
    this.#context = context;
    this.#items = context.store.channels.map((channel) => {
      const count = h("span", { class: "count", "aria-hidden": "true" });
      const label = h("span", { class: "visually-hidden" });
      const button = h(
        "button",
        { type: "button", class: "channel", testid: `channel-${channel.id}` },
        h("span", { class: "hash", "aria-hidden": "true" }, "#"),
        h("span", { class: "channel-name" }, channel.name),
        label,
        count,
      );
      button.addEventListener("click", () => {
        context.store.open(channel.id);
        opened();
      });
      return { channel, button, count, label };
    });
    const leave = h(
      "button",
      { type: "button", class: "icon-button", "aria-label": "Sign out", title: "Sign out" },
      icon("leave"),
    );
    leave.addEventListener("click", signOut);
    this.element = h(
      "nav",
      { class: "sidebar", id: "channels", "aria-label": "Channels" },
      h("div", { class: "brand" }, logo(), "alo"),
      h("h2", { class: "sidebar-title" }, "Channels"),
      h("ul", { class: "channels" }, ...this.#items.map(({ button }) => h("li", {}, button))),
      h(
        "div",
        { class: "me" },
        avatar(context.store.userId),
        h("span", { class: "me-name", dir: "auto", title: context.store.userId }, context.store.userId),
        leave,
      ),
    );
  }

  render(): void {
    for (const { channel, button, count, label } of this.#items) {
      const active = channel === this.#context.store.active;
      setAttribute(button, "aria-current", active ? "page" : undefined);
      button.classList.toggle("has-unread", channel.unread > 0);
      setText(count, channel.unread > 99 ? "99+" : String(channel.unread));
      count.hidden = channel.unread === 0;
      setText(label, channel.unread > 0 ? `, ${channel.unread} unread` : "");
    }
  }
}
