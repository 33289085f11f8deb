// The part of a message that is shown where it is answered.

import type { Message } from "alo-chat";

import type { Quote } from "./types.ts";

export function quoteOf(message: Pick<Message, "id" | "userId" | "content" | "files">): Quote {
  const { id, userId, content } = message;
  return { id, userId, content, fileNames: message.files.map((file) => file.name).join(", ") };
}
