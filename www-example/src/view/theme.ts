// Light or dark: as the system has it, until someone chooses.

import { h, setAttribute } from "./dom.ts";
import { icon } from "./icons.ts";

type Theme = "light" | "dark";

const KEY = "alo-example.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function current(): Theme {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}

/** Applies what was chosen before. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = current();
}

export function themeButton(signal: AbortSignal): HTMLButtonElement {
  const button = h("button", { type: "button", class: "icon-button" });
  const show = () => {
    applyTheme();
    const label = current() === "dark" ? "Use the light theme" : "Use the dark theme";
    setAttribute(button, "aria-label", label);
    setAttribute(button, "title", label);
    button.replaceChildren(icon(current() === "dark" ? "sun" : "moon"));
  };
  button.addEventListener("click", () => {
    localStorage.setItem(KEY, current() === "dark" ? "light" : "dark");
    show();
  });
  system.addEventListener("change", show, { signal });
  show();
  return button;
}
