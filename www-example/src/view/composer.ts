// Where messages are written. Its content is the open channel's draft.

import { MAX_FILES } from "../files/kinds.ts";
import type { Channel } from "../state/store.ts";
import type { Draft, Entry } from "../state/types.ts";
import { quoteOf } from "../state/quote.ts";
import type { Context } from "./context.ts";
import { Chips } from "./chips.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { hueOf } from "./format.ts";
import { icon } from "./icons.ts";
import { quoteText } from "./quote.ts";

export class Composer {
  readonly element: HTMLFormElement;
  readonly #context: Context;
  readonly #chips = new Chips((file) => this.#removeFile(file));
  readonly #replyTo = h("div", { class: "reply-to", role: "group", testid: "composer-reply-preview", hidden: true });
  readonly #notice = h("p", { class: "notice", role: "alert", hidden: true });
  readonly #text = h("textarea", {
    id: "composer",
    testid: "composer",
    rows: 1,
    "aria-label": "Message",
    enterkeyhint: "send",
    dir: "auto",
  });
  readonly #send: HTMLButtonElement;
  readonly #input = h("input", {
    type: "file",
    multiple: true,
    testid: "file-input",
    hidden: true,
    tabindex: -1,
    "aria-label": "Files",
  });
  #channel?: Channel;

  constructor(context: Context) {
    this.#context = context;
    const attach = h(
      "button",
      { type: "button", class: "icon-button", testid: "attach", "aria-label": "Attach files", title: "Attach files" },
      icon("attach"),
    );
    this.#send = h(
      "button",
      { type: "submit", class: "send", testid: "send", "aria-label": "Send", title: "Send" },
      icon("send"),
    );
    this.element = h(
      "form",
      { class: "composer", "aria-label": "Write a message" },
      this.#notice,
      h(
        "div",
        { class: "box" },
        this.#replyTo,
        this.#chips.element,
        h("div", { class: "row" }, attach, this.#text, this.#send),
      ),
      this.#input,
      h(
        "p",
        { class: "hint", "aria-hidden": "true" },
        h("kbd", {}, "Enter"),
        " to send, ",
        h("kbd", {}, "Shift + Enter"),
        " for a new line",
      ),
    );
    attach.addEventListener("click", () => this.#input.click());
    this.#input.addEventListener("change", () => {
      this.addFiles([...(this.#input.files ?? [])]);
      // So that the same file can be chosen again.
      this.#input.value = "";
    });
    this.#text.addEventListener("input", () => {
      this.#change({ text: this.#text.value });
      fit(this.#text);
    });
    this.#text.addEventListener("keydown", (event) => this.#pressed(event));
    this.#text.addEventListener("paste", (event) => this.#pasted(event));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) this.#cancelReply();
    });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  render(): void {
    const channel = this.#context.store.active;
    this.#text.disabled = channel.forbidden;
    this.#send.disabled = this.#nothingToSend;
    if (channel === this.#channel) return;
    this.#channel = channel;
    this.#text.placeholder = `Message #${channel.name}`;
    this.#warn("");
    this.#show();
  }

  focus(): void {
    this.#text.focus();
  }

  reply(entry: Entry): void {
    if (entry.id === undefined) return;
    this.#change({ quote: quoteOf({ ...entry, id: entry.id }) });
    this.#show();
    this.focus();
  }

  /** Puts a message that was not sent before what has been written since. */
  restore(entry: Entry): void {
    const { text, files, quote } = this.#draft;
    this.#change({
      text: [entry.content, text].filter(Boolean).join("\n"),
      files: [...entry.uploads.map(({ source }) => source), ...files],
      quote: quote ?? entry.quote,
    });
    this.#show();
    this.focus();
  }

  addFiles(files: readonly File[]): void {
    const room = MAX_FILES - this.#draft.files.length;
    this.#warn(files.length > room ? `A message takes at most ${MAX_FILES} files; the others were left out.` : "");
    this.#change({ files: [...this.#draft.files, ...files.slice(0, room)] });
    this.#show();
    this.focus();
  }

  #warn(text: string): void {
    setText(this.#notice, text);
    this.#notice.hidden = text === "";
  }

  get #draft(): Draft {
    return this.#context.store.active.draft;
  }

  #change(part: Partial<Draft>): void {
    this.#context.store.setDraft({ ...this.#draft, ...part });
    this.#send.disabled = this.#nothingToSend;
  }

  get #nothingToSend(): boolean {
    const { text, files } = this.#draft;
    return this.#context.store.active.forbidden || (text.trim() === "" && files.length === 0);
  }

  #removeFile(file: File): void {
    this.#change({ files: this.#draft.files.filter((other) => other !== file) });
    this.#show();
    this.focus();
  }

  #submit(): void {
    const { store, conversation } = this.#context;
    if (this.#nothingToSend) return;
    const draft = this.#draft;
    store.setDraft({ text: "", files: [] });
    this.#warn("");
    this.#show();
    this.focus();
    conversation.send(store.active.id, draft);
  }

  #pressed(event: KeyboardEvent): void {
    // Enter within an input method chooses a word.
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    }
  }

  #cancelReply(): void {
    if (!this.#draft.quote) return;
    this.#change({ quote: undefined });
    this.#show();
    this.focus();
  }

  #pasted(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    // Office programs put a picture of copied text beside it: the text is meant.
    if (files.length === 0 || event.clipboardData?.types.includes("text/plain")) return;
    event.preventDefault();
    this.addFiles(files);
  }

  #show(): void {
    const { text, files, quote } = this.#draft;
    if (this.#text.value !== text) this.#text.value = text;
    fit(this.#text);
    this.#send.disabled = this.#nothingToSend;
    this.#chips.show(files);
    this.#replyTo.hidden = quote === undefined;
    if (!quote) return this.#replyTo.replaceChildren();
    const cancel = h(
      "button",
      { type: "button", class: "icon-button small", "aria-label": "Cancel the reply", title: "Cancel (Esc)" },
      icon("close"),
    );
    cancel.addEventListener("click", () => this.#cancelReply());
    this.#replyTo.replaceChildren(
      icon("reply"),
      h("span", { class: "quote-author", "data-hue": hueOf(quote.userId) }, quote.userId),
      h("span", { class: "quote-text" }, quoteText(quote)),
      cancel,
    );
    setAttribute(this.#replyTo, "aria-label", `Replying to ${quote.userId}`);
  }
}

/** As high as its text, in browsers without CSS support for it. */
function fit(field: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
