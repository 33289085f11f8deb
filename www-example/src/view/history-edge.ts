// The row where the loaded messages end: that more are being loaded, that they could not be loaded, or
// where the channel begins.

import type { ErrorData } from "alo-chat";

import { h } from "./dom.ts";
import { icon } from "./icons.ts";

export type EdgeState =
  /** There is more, not requested yet. */
  | { kind: "more" }
  | { kind: "loading"; text: string }
  | { kind: "failed"; text: string; error: ErrorData }
  | { kind: "beginning"; channel: string };

export class HistoryEdge {
  readonly element = h("li", { class: "edge" });
  readonly #retry: () => void;
  #shown = "";

  constructor(testid: string, retry: () => void) {
    this.element.setAttribute("data-testid", testid);
    this.#retry = retry;
  }

  render(state: EdgeState): void {
    const text = textOf(state);
    const shown = `${state.kind} ${text}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.element.setAttribute("data-state", state.kind);
    switch (state.kind) {
      case "more":
        return this.element.replaceChildren();
      case "loading":
        return this.element.replaceChildren(h("span", { class: "spinner", "aria-hidden": "true" }), text);
      case "beginning":
        return this.element.replaceChildren(h("span", {}, text));
      case "failed": {
        const again = h("button", { type: "button", class: "button" }, icon("retry"), "Try again");
        again.addEventListener("click", this.#retry);
        return this.element.replaceChildren(icon("alert"), h("span", { class: "edge-text" }, text), again);
      }
    }
  }
}

function textOf(state: EdgeState): string {
  switch (state.kind) {
    case "more":
      return "";
    case "loading":
      return state.text;
    case "beginning":
      return `This is where #${state.channel} begins`;
    case "failed":
      return `${state.text}: ${state.error.message}`;
  }
}
