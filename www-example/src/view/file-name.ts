import { extension } from "../files/kinds.ts";
import { h } from "./dom.ts";

/** A name that is cut in its middle where it is too long: its end shows the type of the file. */
export function fileName(name: string): HTMLElement {
  const end = extension(name);
  const stem = end ? name.slice(0, -end.length - 1) : name;
  return h(
    "span",
    { class: "file-name", title: name },
    h("span", { class: "file-stem" }, stem),
    end && h("span", { class: "file-end" }, `.${end}`),
  );
}
