// A file of a message: an image to look at, or a card; with its way up, or the way down.

import type { ChatFile } from "alo-chat";

import { extension, formatSize, previewType } from "../files/kinds.ts";
import type { Entry, Upload } from "../state/types.ts";
import type { Context } from "./context.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { fileName } from "./file-name.ts";
import { icon } from "./icons.ts";
import { ImagePreview } from "./preview.ts";

export class Attachment {
  readonly element: HTMLLIElement;
  readonly #context: Context;
  readonly #name: string;
  readonly #size: number;
  readonly #preview?: ImagePreview;
  readonly #download: HTMLButtonElement;
  readonly #note = h("span", { class: "file-note" });
  readonly #bar: HTMLElement;
  readonly #progress: HTMLElement;
  #file: ChatFile | undefined;
  /** Said instead of the size, about the way down. */
  #downloadNote: string | undefined;

  constructor(context: Context, file: ChatFile | undefined, upload: Upload | undefined) {
    const { name, size } = file ?? upload?.source ?? { name: "", size: 0 };
    const contentType = file?.contentType ?? upload?.source.type ?? "";
    this.#context = context;
    this.#name = name;
    this.#size = size;
    this.#file = file;
    this.#download = h(
      "button",
      {
        type: "button",
        class: "icon-button download",
        testid: "attachment-download",
        "aria-label": `Download ${name}`,
        title: "Download",
      },
      icon("download"),
    );
    this.#download.addEventListener("click", () => void this.#save());
    this.#bar = h("span", { class: "progress-bar" });
    this.#progress = h(
      "div",
      {
        class: "progress",
        testid: "upload-progress",
        role: "progressbar",
        "data-name": name,
        "aria-label": `Uploading ${name}`,
        "aria-valuemin": 0,
        "aria-valuemax": 100,
      },
      this.#bar,
    );
    const type = previewType(contentType, size);
    if (type) this.#preview = new ImagePreview(context, name, type, upload?.source, file);
    const mark = extension(name);
    const badge = h("span", { class: "file-badge", "aria-hidden": "true" }, mark ? h("span", {}, mark) : icon("file"));
    this.element = h(
      "li",
      { class: type ? "attachment picture" : "attachment card", testid: "attachment", "data-name": name },
      this.#preview?.element,
      h("div", { class: "file" }, badge, h("span", { class: "file-text" }, fileName(name), this.#note), this.#download),
      this.#progress,
    );
  }

  update(entry: Entry, file: ChatFile | undefined, upload: Upload | undefined): void {
    this.#file = file;
    this.#preview?.setFile(file);
    setAttribute(this.element, "data-file-id", file?.id);
    this.#download.hidden = file === undefined;
    const sending = entry.state === "sending";
    this.#progress.hidden = !sending || upload === undefined;
    const size = formatSize(this.#size);
    if (!upload || !sending) {
      // A file that was stopped with its message is no error of its own.
      const error = entry.state === "failed" && entry.error?.code !== "aborted" ? upload?.error : undefined;
      return this.#say(this.#downloadNote ?? (error ? `${size} · ${error}` : size));
    }
    const percent = Math.floor(upload.percent);
    setAttribute(this.#progress, "aria-valuenow", String(percent));
    this.#bar.style.setProperty("--done", String(percent / 100));
    const waits = this.#context.store.connection.state !== "connected";
    this.#progress.classList.toggle("waiting", waits);
    this.#say(`${percent}% of ${size}${waits ? " · paused" : ""}`);
  }

  destroy(): void {
    this.#preview?.destroy();
  }

  #say(text: string): void {
    setText(this.#note, text);
  }

  async #save(): Promise<void> {
    const file = this.#file;
    if (!file || this.#download.getAttribute("aria-busy") === "true") return;
    this.#download.setAttribute("aria-busy", "true");
    this.#downloadNote = "Downloading…";
    this.#say(this.#downloadNote);
    try {
      await this.#context.blobs.save(file);
      this.#downloadNote = undefined;
    } catch (error) {
      this.#downloadNote = `Not downloaded: ${error instanceof Error ? error.message : String(error)}`;
      this.#context.announce(`${this.#name}: ${this.#downloadNote}`);
    }
    this.#say(this.#downloadNote ?? formatSize(this.#size));
    this.#download.removeAttribute("aria-busy");
  }
}
