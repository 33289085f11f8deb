// On a narrow window the channels come in from the side.

import { h, setAttribute } from "./dom.ts";

export class Drawer {
  readonly opener = h("button", {
    type: "button",
    class: "icon-button drawer-opener",
    "aria-label": "Channels",
    "aria-controls": "channels",
  });
  readonly backdrop = h("div", { class: "backdrop", hidden: true });
  readonly #narrow = matchMedia("(max-width: 719px)");
  #panel?: HTMLElement;
  #behind?: HTMLElement;
  #open = false;

  constructor(signal: AbortSignal) {
    this.opener.addEventListener("click", () => this.#set(true));
    this.backdrop.addEventListener("click", () => this.close());
    this.#narrow.addEventListener("change", () => this.#set(false), { signal });
    window.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Escape" || !this.#open) return;
        this.close();
        this.opener.focus();
      },
      { signal },
    );
  }

  /** `panel` comes in over `behind`. */
  attach(panel: HTMLElement, behind: HTMLElement): void {
    this.#panel = panel;
    this.#behind = behind;
    this.#set(false);
  }

  close(): void {
    this.#set(false);
  }

  #set(open: boolean): void {
    this.#open = open && this.#narrow.matches;
    setAttribute(this.opener, "aria-expanded", String(this.#open));
    this.backdrop.hidden = !this.#open;
    if (!this.#panel || !this.#behind) return;
    this.#panel.classList.toggle("open", this.#open);
    // Out of sight it must be out of reach of the Tab key too.
    this.#panel.inert = this.#narrow.matches && !this.#open;
    this.#behind.inert = this.#open;
    if (this.#open) this.#panel.querySelector<HTMLElement>("[aria-current]")?.focus();
  }
}
