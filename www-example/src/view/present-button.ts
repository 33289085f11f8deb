// The way back to the newest message; and what could not be loaded on the way elsewhere.

import type { Channel } from "../state/store.ts";
import { h, setText } from "./dom.ts";
import { icon } from "./icons.ts";

export class PresentButton {
  readonly element: HTMLElement;
  readonly #button: HTMLButtonElement;
  readonly #text = h("span", {}, "Back to the present");
  readonly #count = h("span", { class: "present-count", hidden: true });
  readonly #failure: HTMLElement;
  readonly #reason = h("span");

  constructor(act: () => void, retry: () => void, dismiss: () => void) {
    this.#button = h(
      "button",
      { type: "button", class: "present", testid: "to-present", hidden: true },
      icon("down"),
      this.#text,
      this.#count,
    );
    this.#button.addEventListener("click", act);
    const again = h("button", { type: "button", class: "text-button" }, "Try again");
    again.addEventListener("click", retry);
    const close = h(
      "button",
      { type: "button", class: "icon-button small", "aria-label": "Close", title: "Close" },
      icon("close"),
    );
    close.addEventListener("click", dismiss);
    this.#failure = h(
      "div",
      { class: "list-failure", role: "group", "aria-label": "Not loaded", testid: "history-failure", hidden: true },
      icon("alert"),
      this.#reason,
      again,
      close,
    );
    this.element = h("div", { class: "list-foot" }, this.#failure, this.#button);
  }

  render(channel: Channel): void {
    const { log, loads, place, below } = channel;
    const away = log.opened && (place.kind !== "end" || !log.atPresent);
    this.#button.hidden = !away;
    this.#button.setAttribute("aria-busy", String(loads.window.state === "loading"));
    this.#count.hidden = below === 0;
    setText(this.#count, `${below > 999 ? "999+" : below} new`);
    // With nothing else to see, it is in the list itself.
    const failed = loads.window.state === "failed" && log.rows().length > 0 ? loads.window.error : undefined;
    this.#failure.hidden = failed === undefined;
    if (failed) setText(this.#reason, `Not loaded: ${failed.message}`);
  }
}
