// An image in full, over the page.

import type { ChatFile } from "alo-chat";

import type { Blobs } from "../files/blobs.ts";
import { h } from "./dom.ts";
import { icon } from "./icons.ts";

export function showImage(blob: Blob, name: string, file: ChatFile | undefined, blobs: Blobs): void {
  const url = URL.createObjectURL(blob);
  const close = h(
    "button",
    { type: "button", class: "icon-button", "aria-label": "Close", title: "Close" },
    icon("close"),
  );
  const save = h(
    "button",
    { type: "button", class: "icon-button", "aria-label": `Download ${name}`, title: "Download" },
    icon("download"),
  );
  save.hidden = file === undefined;
  const dialog = h(
    "dialog",
    { class: "image-dialog", "aria-label": name },
    h("div", { class: "image-bar" }, h("span", { class: "image-name" }, name), save, close),
    h("img", { src: url, alt: name }),
  );
  close.addEventListener("click", () => dialog.close());
  // A failure shows in the message, which has its own button.
  save.addEventListener("click", () => void (file && blobs.save(file).catch(() => dialog.close())));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    URL.revokeObjectURL(url);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}
