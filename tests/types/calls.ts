// What calls take, and what they resolve to.

import { AloChat, ready, version } from "alo-chat";
import type {
  ChatFile,
  Done,
  ErrorCode,
  ErrorData,
  Failure,
  HistoryPage,
  JsonObject,
  JsonValue,
  Message,
  Result,
  SendMessageOptions,
  Success,
} from "alo-chat";
import * as inline from "alo-chat/inline";
import type { Equal, Expect, IsAny } from "./equal.js";

export const chat = new AloChat({ endpoint: "https://chat.example.com", authToken: "token" });
new AloChat({ endpoint: new URL("https://chat.example.com"), authToken: async () => "token", outboxLimit: 5 });
new AloChat({ endpoint: "https://chat.example.com", authToken: () => "token", parallelUploads: 1 });
new AloChat({ endpoint: "https://chat.example.com", userAuthToken: () => "token", deviceId: "phone" });
// @ts-expect-error The token is required.
new AloChat({ endpoint: "https://chat.example.com" });
// @ts-expect-error The endpoint is required.
new AloChat({ authToken: "token" });
// @ts-expect-error A token is text.
new AloChat({ endpoint: "https://chat.example.com", authToken: async () => 1 });
// @ts-expect-error There is no such option.
new AloChat({ endpoint: "https://chat.example.com", authToken: "token", apiKey: "key" });

type Sent = Awaited<ReturnType<AloChat["sendMessage"]>>;

export type Checks = [
  Expect<Equal<typeof version, string>>,
  Expect<Equal<Sent, Result<{ message: Message }>>>,
  Expect<Equal<Sent, Success<{ message: Message }> | Failure>>,
  Expect<Equal<Awaited<ReturnType<AloChat["subscribe"]>>, Result<{ channelIds: string[] }>>>,
  Expect<Equal<Awaited<ReturnType<AloChat["fetchHistory"]>>, Result<HistoryPage>>>,
  Expect<Equal<Awaited<ReturnType<AloChat["fetchHistoryAround"]>>, Result<HistoryPage>>>,
  Expect<Equal<ReturnType<AloChat["history"]>, AsyncIterableIterator<Message>>>,
  Expect<Equal<keyof HistoryPage, "messages" | "olderPageToken" | "newerPageToken" | "cursor">>,
  Expect<Equal<HistoryPage["cursor"], { epoch: string; seq: number }>>,
  Expect<Equal<Awaited<ReturnType<AloChat["startTyping"]>>, Done>>,
  Expect<Equal<Parameters<AloChat["stopTyping"]>, [options: { channelId: string; signal?: AbortSignal }]>>,
  Expect<Equal<Awaited<ReturnType<AloChat["downloadFile"]>>, Result<{ blob: Blob }>>>,
  Expect<Equal<Awaited<ReturnType<AloChat["unsubscribe"]>>, Done>>,
  Expect<Equal<Awaited<ReturnType<AloChat["connect"]>>, Done>>,
  Expect<Equal<Awaited<ReturnType<AloChat["disconnect"]>>, Done>>,
  Expect<Equal<ReturnType<AloChat["dispose"]>, void>>,
  Expect<Equal<ReturnType<typeof ready>, Promise<void>>>,
  Expect<Equal<typeof inline.AloChat, typeof AloChat>>,
  Expect<Equal<ErrorData, { statusCode: number; message: string; code: ErrorCode; retryable: boolean }>>,
  Expect<Equal<Message["timestamp"], string>>,
  Expect<Equal<Message["metadata"], JsonObject>>,
  Expect<Equal<Message["files"], ChatFile[]>>,
  Expect<Equal<Message["parent"], Message | undefined>>,
  Expect<Equal<IsAny<JsonValue>, false>>,
  Expect<Equal<{ [Key in keyof ChatFile]: IsAny<ChatFile[Key]> }[keyof ChatFile], false>>,
  Expect<
    Equal<keyof ChatFile, "id" | "channelId" | "name" | "lastModified" | "size" | "contentType" | "url">
  >,
  Expect<
    Equal<
      keyof Message,
      | "id"
      | "channelId"
      | "userId"
      | "seq"
      | "version"
      | "timestamp"
      | "editedAt"
      | "content"
      | "metadata"
      | "parent"
      | "rootMessageId"
      | "i18n"
      | "files"
      | "actions"
    >
  >,
  Expect<Equal<keyof SendMessageOptions, "channelId" | "content" | "metadata" | "parentId" | "files" | "signal">>,
];

export async function calls(input: HTMLInputElement) {
  const sent = await chat.sendMessage({ channelId: "alpha", content: "x", files: input.files ?? [] });
  if (sent.status.error) {
    sent.status.errorData.code satisfies ErrorCode;
    // @ts-expect-error There is no such code.
    return sent.status.errorData.code === "no-such-code";
  }
  // @ts-expect-error A call that succeeded has no error.
  sent.status.errorData.code;
  sent.response.message.files[0]?.url satisfies string | undefined;

  const done = await chat.connect();
  if (done.status.error) return done.status.errorData.message;
  // @ts-expect-error `connect` returns nothing more.
  done.response;

  // @ts-expect-error The channel is required.
  await chat.sendMessage({ content: "x" });
  // @ts-expect-error The content is text.
  await chat.sendMessage({ channelId: "alpha", content: 1 });
  // @ts-expect-error Metadata is an object.
  await chat.sendMessage({ channelId: "alpha", content: "x", metadata: "y" });
  // @ts-expect-error Files are native files.
  await chat.sendMessage({ channelId: "alpha", content: "x", files: [{ name: "a.txt" }] });
  // @ts-expect-error Channels are a list.
  await chat.subscribe({ channelIds: "alpha" });

  await chat.fetchHistory({ channelId: "alpha" });
  await chat.fetchHistory({ channelId: "alpha", limit: 20, olderPageToken: "token", signal: new AbortController().signal });
  await chat.fetchHistoryAround({ channelId: "alpha", messageId: "id", limit: 5 });
  for await (const message of chat.history({ channelId: "alpha", limit: 20 })) message.seq satisfies number;
  // @ts-expect-error The message is required.
  await chat.fetchHistoryAround({ channelId: "alpha" });
  // @ts-expect-error A loop starts at the newest message.
  chat.history({ channelId: "alpha", olderPageToken: "token" });

  const counts = await chat.messageCounts([{ channelId: "alpha", timestamp: 0 }, { channelId: "bravo", timestamp: "5" }]);
  if (counts.status.error) return counts.status.errorData.code;
  counts.channels[0]?.count satisfies number | undefined;
  counts.response.channels[0]?.id satisfies string | undefined;
  await chat.messageCounts([], { signal: new AbortController().signal });
  // @ts-expect-error A time is a number or its digits.
  await chat.messageCounts([{ channelId: "alpha", timestamp: new Date() }]);
  // @ts-expect-error The argument is a list.
  await chat.messageCounts({ channelId: "alpha", timestamp: 0 });

  const mark = await chat.markRead({ channelId: "alpha", messageId: "uuid" });
  if (mark.status.error) return mark.status.errorData.code;
  mark.response.messageSeq satisfies number | undefined;
  // @ts-expect-error A message is named.
  await chat.markRead({ channelId: "alpha" });
  const unread = await chat.unreadCounts();
  if (unread.status.error) return unread.status.errorData.code;
  unread.response.channels[0]?.count satisfies number | undefined;
  await chat.unreadCounts({ channelIds: ["alpha"], signal: new AbortController().signal });
  // @ts-expect-error Channels are named by their ids.
  await chat.unreadCounts({ channelIds: [{ id: "alpha" }] });

  await ready();
  await ready(new URL("https://example.com/engine.wasm"));
  await ready(fetch("/engine.wasm"));
  await ready(new Uint8Array(8));
  // @ts-expect-error Nothing is no engine. (A number would do for TypeScript: its modules are empty objects.)
  await ready(null);
  return done;
}
