// Events are a discriminated union: the type of `data` follows from `type`.

import type { AloChat, ChatEvent, ChatEventMap, ChatEventOf, ErrorData, Message, ReconnectCause, Typing, UploadingFile } from "alo-chat";
import type { Equal, Expect, IsAny } from "./equal.js";

declare const chat: AloChat;

type Names =
  | "status.connected"
  | "status.disconnected"
  | "status.reconnecting"
  | "status.failed"
  | "message.new"
  | "message.deleted"
  | "read.updated"
  | "typing.start"
  | "typing.stop"
  | "file.upload.progress"
  | "file.upload.complete"
  | "file.upload.error"
  | "channel.gap"
  | "outbox.restored"
  | "outbox.warning";

export type Checks = [
  Expect<Equal<ChatEvent["type"], Names>>,
  Expect<Equal<keyof ChatEventMap, Names>>,
  Expect<Equal<keyof ChatEventOf<"message.new">, "type" | "data">>,
  Expect<Equal<ChatEventOf<"status.connected">["data"], Record<string, never>>>,
  Expect<Equal<ChatEventOf<"status.reconnecting">["data"], { attempt: number; delayMs: number; cause: ReconnectCause; hint?: string }>>,
  Expect<Equal<ChatEventOf<"status.failed">["data"], { error: ErrorData }>>,
  Expect<Equal<ChatEventOf<"message.new">["data"], { message: Message }>>,
  Expect<
    Equal<ChatEventOf<"message.deleted">["data"], { channelId: string; messageId: string; messageSeq: number }>
  >,
  Expect<Equal<ChatEventOf<"typing.stop">["data"], { channelId: string; userId: string; deviceId: string }>>,
  Expect<Equal<ChatEventOf<"typing.start">["data"], Typing>>,
  Expect<Equal<ChatEventOf<"file.upload.progress">["data"], { file: UploadingFile; percent: number }>>,
  Expect<Equal<ChatEventOf<"outbox.warning">["data"], { error: ErrorData }>>,
  Expect<Equal<ChatEventOf<"outbox.restored">["data"]["result"], ReturnType<AloChat["sendMessage"]>>>,
  Expect<
    Equal<
      ChatEventOf<"channel.gap">["data"],
      { channelId: string; reason: "epoch-changed" | "expired" | "cursor-ahead" | "forbidden" }
    >
  >,
  // Nothing is `any`.
  Expect<Equal<{ [Name in Names]: IsAny<ChatEventMap[Name]> }[Names], false>>,
];

chat.addEventListener((event) => {
  switch (event.type) {
    case "message.new":
      return event.data.message.content.length;
    case "file.upload.error":
      return event.data.error.code satisfies string;
    case "channel.gap":
      // @ts-expect-error A gap has no message.
      return event.data.message;
    case "message.deleted":
    case "read.updated":
      return event.data.messageSeq;
    case "typing.start":
    case "typing.stop":
      return event.data.deviceId;
    case "status.connected":
    case "status.disconnected":
    case "status.reconnecting":
    case "status.failed":
    case "file.upload.progress":
    case "file.upload.complete":
    case "outbox.restored":
    case "outbox.warning":
      return event.data;
    default:
      // All are named above: a new event makes this an error.
      return event satisfies never;
  }
});

chat.addEventListener("message.new", (event) => {
  type Data = Expect<Equal<typeof event.data, { message: Message }>>;
  const ok: Data = true;
  return ok;
});
chat.addEventListener("message.new", (event) => void event.data.message, { once: true, signal: new AbortController().signal });
chat.removeEventListener("message.new", (event) => void event.data.message);

// @ts-expect-error There is no such event.
chat.addEventListener("message.updated", () => {});
// @ts-expect-error A listener is needed.
chat.addEventListener("message.new");
// @ts-expect-error `passive` is no option of these listeners.
chat.addEventListener(() => {}, { passive: true });
