// An image within a message, loaded when it comes near the part of the list that is seen.

import type { ChatFile } from "alo-chat";

import type { Context } from "./context.ts";
import { h } from "./dom.ts";

const nearby = new Map<Element, () => void>();
const observer = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) nearby.get(target)?.();
  },
  { scrollMargin: "400px 0px" },
);

export class ImagePreview {
  readonly element: HTMLButtonElement;
  readonly #context: Context;
  readonly #name: string;
  readonly #type: string;
  readonly #source: File | undefined;
  readonly #gone = new AbortController();
  #file: ChatFile | undefined;
  #blob: Blob | undefined;
  #url: string | undefined;

  constructor(context: Context, name: string, type: string, source: File | undefined, file: ChatFile | undefined) {
    this.#context = context;
    this.#name = name;
    this.#type = type;
    this.#source = source;
    this.#file = file;
    this.element = h("button", {
      type: "button",
      class: "preview loading",
      "aria-label": `Look at ${name}`,
      disabled: true,
    });
    this.element.addEventListener("click", () => {
      if (this.#blob) context.showImage(this.#blob, name, this.#file);
    });
    nearby.set(this.element, () => void this.#load());
    observer.observe(this.element);
  }

  setFile(file: ChatFile | undefined): void {
    this.#file = file;
  }

  destroy(): void {
    this.#gone.abort();
    this.#forget();
    if (this.#url) URL.revokeObjectURL(this.#url);
  }

  #forget(): void {
    observer.unobserve(this.element);
    nearby.delete(this.element);
  }

  async #load(): Promise<void> {
    this.#forget();
    try {
      const blob = this.#source ?? (this.#file && (await this.#context.blobs.preview(this.#file, this.#gone.signal)));
      if (!blob || this.#gone.signal.aborted) return;
      // With the type that was found safe, whatever the answer's header.
      this.#blob = blob.slice(0, blob.size, this.#type);
      this.#url = URL.createObjectURL(this.#blob);
      const image = h("img", { src: this.#url, alt: this.#name, draggable: "false" });
      await image.decode();
      this.element.replaceChildren(image);
      this.element.classList.remove("loading");
      this.element.disabled = false;
    } catch {
      // The name, the size and the download stay.
      this.element.hidden = true;
    }
  }
}
