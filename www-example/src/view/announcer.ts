import { h } from "./dom.ts";

/** A region that screen readers read when it changes. */
export class Announcer {
  readonly element = h("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });

  readonly say = (text: string): void => {
    // The same text is announced twice only if the region was empty between.
    this.element.textContent = "";
    setTimeout(() => (this.element.textContent = text), 50);
  };
}
