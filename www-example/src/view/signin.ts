// The first page: a name, and in.

import { fetchAccess } from "../session.ts";
import type { Access } from "../session.ts";
import { h, setText } from "./dom.ts";
import { logo } from "./icons.ts";

export interface SignIn {
  element: HTMLElement;
  focus(): void;
}

/** `problem`: why a user who was signed in no longer is. */
export function signIn(name: string, done: (access: Access) => void, problem = ""): SignIn {
  const field = h("input", {
    id: "name",
    testid: "signin-name",
    type: "text",
    autocomplete: "nickname",
    maxlength: 40,
    required: true,
    placeholder: "Ada",
    "aria-describedby": "signin-error",
    dir: "auto",
  });
  field.value = name;
  const submit = h("button", { type: "submit", class: "button primary", testid: "signin-submit" }, "Join the chat");
  const error = h("p", { id: "signin-error", class: "signin-error", role: "alert" }, problem);
  const form = h(
    "form",
    { class: "signin-card" },
    logo(),
    h("h1", {}, "Come in and say hello"),
    h("p", { class: "signin-lead" }, "Three channels, large files, and nothing lost when the network drops."),
    h("label", { for: "name" }, "Your name"),
    field,
    error,
    submit,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    setText(submit, "Joining…");
    setText(error, "");
    try {
      done(await fetchAccess(field.value.trim()));
    } catch (cause) {
      setText(error, cause instanceof Error ? cause.message : String(cause));
      submit.disabled = false;
      setText(submit, "Join the chat");
      field.focus();
    }
  });
  return {
    element: h(
      "main",
      { class: "signin" },
      form,
      h("p", { class: "signin-foot" }, "A demonstration: any name will do."),
    ),
    focus: () => field.focus(),
  };
}
