// Starts with a name, remembered or entered, and continues to the chat.

import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/signin.css";
import "./styles/layout.css";
import "./styles/connection.css";
import "./styles/messages.css";
import "./styles/content.css";
import "./styles/marks.css";
import "./styles/history.css";
import "./styles/attachments.css";
import "./styles/composer.css";
import "./styles/dropzone.css";

import { fetchAccess, forgetName, rememberName, rememberedName } from "./session.ts";
import type { Access } from "./session.ts";
import { forgetDrafts } from "./state/drafts.ts";
import { openChat } from "./view/chat.ts";
import { signIn } from "./view/signin.ts";
import { applyTheme } from "./view/theme.ts";

applyTheme();
const name = rememberedName();
if (name === undefined) askForName(new URLSearchParams(location.search).get("name") ?? "");
else
  fetchAccess(name).then(enter, (cause: unknown) =>
    askForName(name, cause instanceof Error ? cause.message : String(cause)),
  );

function askForName(suggested: string, problem?: string): void {
  document.title = "alo";
  const page = signIn(suggested, enter, problem);
  document.body.replaceChildren(page.element);
  page.focus();
}

function enter(access: Access): void {
  rememberName(access.userId);
  const chat = openChat(access, () => {
    chat.close();
    forgetName();
    forgetDrafts(access.channels.map(({ id }) => id));
    askForName(access.userId);
  });
  document.body.replaceChildren(chat.element);
  chat.focus();
}
