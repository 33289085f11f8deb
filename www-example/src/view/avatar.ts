import { h } from "./dom.ts";
import { hueOf, initials } from "./format.ts";

/** Initials on a colour; the name is next to it. */
export function avatar(name: string): HTMLElement {
  return h("span", { class: "avatar", "data-hue": hueOf(name), "aria-hidden": "true" }, initials(name));
}
