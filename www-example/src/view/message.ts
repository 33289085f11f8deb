// One message of the list.

import { plainText, safeContent } from "../sanitize.ts";
import type { Entry } from "../state/types.ts";
import { Attachment } from "./attachment.ts";
import { avatar } from "./avatar.ts";
import type { Context } from "./context.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { formatClock, formatFull, hueOf } from "./format.ts";
import { icon } from "./icons.ts";
import { quoteText } from "./quote.ts";

export class MessageView {
  readonly element: HTMLLIElement;
  readonly #context: Context;
  readonly #entry: Entry;
  readonly #content = h("div", { class: "content", testid: "message-content", dir: "auto" });
  readonly #times = [h("time", { class: "time" }), h("time", { class: "time side-time", "aria-hidden": "true" })];
  readonly #attachments: Attachment[];
  readonly #reply: HTMLButtonElement;
  #quoted?: HTMLElement;
  readonly #status = h("div", { class: "delivery" });
  #shownTime: number | undefined;
  #shownContent: string | undefined;
  #shownStatus: string | undefined;
  #reachable = false;

  constructor(context: Context, entry: Entry) {
    this.#context = context;
    this.#entry = entry;
    this.#quoted = this.#quote();
    const count = Math.max(entry.files.length, entry.uploads.length);
    this.#attachments = Array.from(
      { length: count },
      (_, index) => new Attachment(context, entry.files[index], entry.uploads[index]),
    );
    this.#reply = button("reply-button icon-button", "Reply", () => context.reply(entry), icon("reply"));
    setAttribute(this.#reply, "data-testid", "reply-button");
    setAttribute(this.#reply, "title", "Reply");
    const [time, sideTime] = this.#times;
    this.element = h(
      "li",
      { class: "message", testid: "message" },
      h("div", { class: "gutter" }, avatar(entry.userId), sideTime),
      h(
        "div",
        { class: "body" },
        h(
          "div",
          { class: "meta" },
          h("span", { class: "author", "data-hue": hueOf(entry.userId), dir: "auto" }, entry.userId),
          entry.own && h("span", { class: "you" }, "you"),
          time,
        ),
        this.#quoted,
        this.#content,
        count > 0 &&
          h("ul", { class: "attachments", "aria-label": "Files" }, ...this.#attachments.map((each) => each.element)),
        this.#status,
      ),
      h("div", { class: "actions" }, this.#reply),
    );
  }

  /** Shows what has changed; the rest is left alone, with its focus and its selection. */
  update(continued: boolean): void {
    const entry = this.#entry;
    this.element.classList.toggle("continued", continued);
    setAttribute(this.element, "data-state", entry.state);
    setAttribute(this.element, "data-message-id", entry.id);
    if (this.#shownTime !== entry.time) this.#showTime(entry.time);
    if (!entry.quote) this.#quoted?.remove();
    if (this.#shownContent !== entry.content) {
      this.#shownContent = entry.content;
      this.#content.replaceChildren(safeContent(entry.content));
      this.#content.hidden = entry.content.trim() === "";
      setAttribute(this.#reply, "aria-label", `Reply to ${entry.userId}: ${excerpt(entry)}`);
    }
    this.#attachments.forEach((each, index) => each.update(entry, entry.files[index], entry.uploads[index]));
    // Only what the gateway has can be answered.
    this.#reply.hidden = entry.id === undefined;
    this.#showStatus();
    this.#showReachable();
  }

  /** Whether the Tab key comes to it and to what is in it. */
  reachable(yes: boolean): void {
    this.#reachable = yes;
    this.#showReachable();
  }

  /** Shows for a moment that this is the message that was looked for. */
  mark(): void {
    this.element.classList.remove("found");
    // Read, so that the animation starts over.
    void this.element.offsetWidth;
    this.element.classList.add("found");
  }

  destroy(): void {
    for (const each of this.#attachments) each.destroy();
  }

  #quote(): HTMLElement | undefined {
    const { quote } = this.#entry;
    if (!quote) return undefined;
    const preview = button(
      "quote",
      "",
      () => this.#context.jump(quote.id),
      h("span", { class: "visually-hidden" }, "In reply to"),
      h("span", { class: "quote-author", "data-hue": hueOf(quote.userId), dir: "auto" }, quote.userId),
      h("span", { class: "quote-text", dir: "auto" }, quoteText(quote)),
    );
    setAttribute(preview, "data-testid", "reply-preview");
    return preview;
  }

  #showReachable(): void {
    this.element.tabIndex = this.#reachable ? 0 : -1;
    for (const each of this.element.querySelectorAll<HTMLElement>("a, button")) {
      // What has failed waits for a decision.
      each.tabIndex = this.#reachable || this.#status.contains(each) ? 0 : -1;
    }
  }

  #showTime(value: number): void {
    this.#shownTime = value;
    for (const time of this.#times) {
      setText(time, formatClock(value));
      setAttribute(time, "datetime", new Date(value).toISOString());
      setAttribute(time, "title", formatFull(value));
    }
  }

  #showStatus(): void {
    const entry = this.#entry;
    const waits = entry.state === "sending" && this.#context.store.connection.state !== "connected";
    const status = entry.state === "failed" ? `failed ${entry.error?.message}` : `${entry.state} ${waits}`;
    if (status === this.#shownStatus) return;
    this.#shownStatus = status;
    this.#status.hidden = entry.state === "sent";
    if (entry.state === "failed") this.#showFailure();
    else if (entry.state === "sending") this.#showSending(waits);
    else this.#status.replaceChildren();
  }

  #showSending(waits: boolean): void {
    const { conversation } = this.#context;
    const entry = this.#entry;
    const cancel =
      entry.uploads.length > 0 && entry.abort && button("text-button", "Cancel", () => conversation.cancel(entry));
    this.#status.replaceChildren(
      icon("clock"),
      h("span", {}, waits ? "Will be sent when you are back online" : "Sending…"),
      cancel || "",
    );
  }

  #showFailure(): void {
    const { conversation, announce, edit } = this.#context;
    const entry = this.#entry;
    const reason = entry.error?.code === "aborted" ? "You stopped it." : (entry.error?.message ?? "");
    this.#status.replaceChildren(
      icon("alert"),
      h("span", { class: "failure" }, h("strong", {}, "Not sent."), ` ${reason}`),
      h(
        "span",
        { class: "choices" },
        button("text-button", "Try again", () => conversation.retry(entry)),
        button("text-button", "Edit", () => edit(entry)),
        button("text-button", "Delete", () => conversation.discard(entry)),
      ),
    );
    announce(`Your message was not sent. ${reason}`);
  }
}

function excerpt({ content, files }: Entry): string {
  const text = plainText(content) || files.map(({ name }) => name).join(", ");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function button(kind: string, text: string, act: () => void, ...children: Node[]): HTMLButtonElement {
  const element = h("button", { type: "button", class: kind }, ...children, ...(children.length ? [] : [text]));
  element.addEventListener("click", act);
  return element;
}
