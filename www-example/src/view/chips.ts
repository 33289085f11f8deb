// Files chosen for the message being written.

import { formatSize, previewType } from "../files/kinds.ts";
import { h, reconcile } from "./dom.ts";
import { fileName } from "./file-name.ts";
import { icon } from "./icons.ts";

interface Chip {
  element: HTMLLIElement;
  url?: string;
}

export class Chips {
  readonly element = h("ul", { class: "chips", "aria-label": "Files to send", hidden: true });
  readonly #remove: (file: File) => void;
  readonly #chips = new Map<File, Chip>();

  constructor(remove: (file: File) => void) {
    this.#remove = remove;
  }

  show(files: readonly File[]): void {
    for (const [file, { url }] of this.#chips) {
      if (files.includes(file)) continue;
      if (url) URL.revokeObjectURL(url);
      this.#chips.delete(file);
    }
    for (const file of files) if (!this.#chips.has(file)) this.#chips.set(file, this.#chip(file));
    reconcile(
      this.element,
      files.flatMap((file) => this.#chips.get(file)?.element ?? []),
    );
    this.element.hidden = files.length === 0;
  }

  #chip(file: File): Chip {
    const remove = h(
      "button",
      { type: "button", class: "icon-button small", "aria-label": `Remove ${file.name}`, title: "Remove" },
      icon("close"),
    );
    remove.addEventListener("click", () => this.#remove(file));
    const type = previewType(file.type, file.size);
    const url = type && URL.createObjectURL(file.slice(0, file.size, type));
    const picture = url ? h("img", { class: "thumb", src: url, alt: "" }) : h("span", { class: "thumb" }, icon("file"));
    const element = h(
      "li",
      { class: "chip" },
      picture,
      h("span", { class: "file-text" }, fileName(file.name), h("span", { class: "file-note" }, formatSize(file.size))),
      remove,
    );
    return { element, url };
  }
}
