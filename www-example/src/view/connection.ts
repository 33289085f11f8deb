// How the connection is: a small light that is always there, and a line above the composer when it is not well.

import type { Connection } from "../state/types.ts";
import type { Context } from "./context.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { icon } from "./icons.ts";

export class ConnectionView {
  readonly light: HTMLElement;
  readonly banner: HTMLElement;
  readonly #context: Context;
  readonly #label = h("span", { class: "connection-label" });
  readonly #message = h("span", { class: "banner-text" });
  readonly #again: HTMLButtonElement;
  #said = "connecting";
  #clock: ReturnType<typeof setInterval> | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.light = h(
      "div",
      { class: "connection", testid: "connection-state" },
      h("span", { class: "dot" }),
      this.#label,
    );
    this.#again = h("button", { type: "button", class: "button" }, icon("retry"), "Connect again");
    this.#again.addEventListener("click", () => void context.conversation.connect());
    this.banner = h("div", { class: "banner", hidden: true }, h("span", { class: "dot" }), this.#message, this.#again);
  }

  render(): void {
    const { connection, subscribeError } = this.#context.store;
    setAttribute(this.light, "data-state", connection.state);
    setAttribute(this.light, "title", LABELS[connection.state]);
    setText(this.#label, LABELS[connection.state]);
    const message = explain(connection, subscribeError);
    this.banner.hidden = message === undefined;
    setAttribute(this.banner, "data-state", subscribeError ? "failed" : connection.state);
    setText(this.#message, message ?? "");
    this.#again.hidden = connection.state !== "failed" && !subscribeError;
    this.#say(connection, message);
    this.#count(connection.state === "reconnecting");
  }

  destroy(): void {
    this.#count(false);
  }

  /** Seconds are counted for the eye only; a change of state is announced. */
  #say({ state }: Connection, message: string | undefined): void {
    const saying = state === "reconnecting" ? "disconnected" : state;
    if (saying === this.#said) return;
    const first = this.#said === "connecting" && state === "connected";
    this.#said = saying;
    if (!first) this.#context.announce(message ?? LABELS[state]);
  }

  #count(on: boolean): void {
    if (on === (this.#clock !== undefined)) return;
    clearInterval(this.#clock);
    this.#clock = on ? setInterval(() => this.render(), 500) : undefined;
  }
}

const LABELS: Record<Connection["state"], string> = {
  connecting: "Connecting",
  connected: "Connected",
  disconnected: "Offline",
  reconnecting: "Reconnecting",
  failed: "Not connected",
};

function explain(connection: Connection, subscribeError: string | undefined): string | undefined {
  switch (connection.state) {
    case "failed":
      return `The connection could not be made: ${connection.error.message}`;
    case "disconnected":
      return "You are offline. What you write is kept and sent when you are back.";
    case "reconnecting": {
      const seconds = Math.ceil((connection.until - Date.now()) / 1000);
      const when = seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting";
      return `${when}. What you write is kept and sent when you are back.`;
    }
    case "connected":
      return subscribeError && `The channels' messages do not come: ${subscribeError}`;
    default:
      return undefined;
  }
}
