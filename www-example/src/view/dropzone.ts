// Files dragged onto the window: a place to drop them, wherever over the chat that is.

import { h } from "./dom.ts";
import { icon } from "./icons.ts";

export class DropZone {
  readonly element: HTMLElement;
  readonly #title = h("strong");
  /** Elements entered and not left yet: the pointer is over the window while there are any. */
  #depth = 0;

  constructor(channel: () => string, dropped: (files: File[], folders: number) => void, signal: AbortSignal) {
    this.element = h(
      "div",
      { class: "drop-zone", hidden: true },
      h(
        "div",
        { class: "drop-card" },
        icon("drop"),
        this.#title,
        h("span", {}, "They are sent with your next message."),
      ),
    );
    const on = <T extends "dragenter" | "dragover" | "dragleave" | "drop">(type: T, act: (event: DragEvent) => void) =>
      window.addEventListener(
        type,
        (event) => {
          if (event.dataTransfer?.types.includes("Files")) act(event);
        },
        { signal },
      );
    on("dragenter", (event) => {
      event.preventDefault();
      this.#title.textContent = `Drop files to add them to #${channel()}`;
      this.#over(this.#depth + 1);
    });
    on("dragleave", () => this.#over(this.#depth - 1));
    // Without this the browser would leave the page and open the file.
    on("dragover", (event) => event.preventDefault());
    on("drop", (event) => {
      event.preventDefault();
      this.#over(0);
      const items = [...(event.dataTransfer?.items ?? [])].filter((item) => item.kind === "file");
      // A folder looks like a file that cannot be read.
      const files = items
        .filter((item) => !item.webkitGetAsEntry()?.isDirectory)
        .flatMap((item) => item.getAsFile() ?? []);
      dropped(files, items.length - files.length);
    });
  }

  #over(depth: number): void {
    this.#depth = Math.max(0, depth);
    this.element.hidden = this.#depth === 0;
  }
}
