// What each method and event of the protocol carries, in terms of the public types: the samples of
// golden.ts are compared with these. A method that the registry lists has its entry here.

import type {
  AloChat,
  ChannelSince,
  ChatEventMap,
  ErrorData,
  FetchHistoryAroundOptions,
  FetchHistoryOptions,
  HistoryPage,
  MarkReadOptions,
  Message,
  SendMessageOptions,
  Success,
  UnreadCountsOptions,
} from "alo-chat";

export interface WireMethods {
  subscribe: { params: { channels: Resume[] }; result: { channels: Recovery[] } };
  resume: { params: { channels: Resume[] }; result: { channels: Recovery[] } };
  unsubscribe: { params: { channelIds: string[] }; result: Record<string, never> };
  "message.send": {
    params: Omit<SendMessageOptions, "files" | "signal"> & { key: string; fileIds?: string[] };
    result: OnWire<ResponseOf<"sendMessage">>;
  };
  history: { params: Omit<FetchHistoryOptions, "signal">; result: OnWire<ResponseOf<"fetchHistory">> };
  "history.around": {
    params: Omit<FetchHistoryAroundOptions, "signal">;
    result: OnWire<ResponseOf<"fetchHistoryAround">>;
  };
  counts: {
    params: { channels: (ChannelSince & { timestamp: number })[] };
    result: OnWire<ResponseOf<"messageCounts">>;
  };
  "read.mark": { params: Omit<MarkReadOptions, "signal">; result: OnWire<ResponseOf<"markRead">> };
  reads: { params: Omit<UnreadCountsOptions, "signal">; result: OnWire<ResponseOf<"unreadCounts">> };
  "typing.start": { params: { channelId: string }; result: Record<string, never> };
  "typing.stop": { params: { channelId: string }; result: Record<string, never> };
  "auth.refresh": { params: { token: string }; result: { tokenExpiresInMs: number } };
}

export type WireEvents = { [Name in keyof ChatEventMap]: OnWire<ChatEventMap[Name]> };

/** Why events cannot be replayed; `forbidden` is an error on the wire. */
export type GapReason = Exclude<ChatEventMap["channel.gap"]["reason"], "forbidden">;

/** Every optional key is required, at any depth. */
export type Full<T> = T extends readonly (infer Item)[]
  ? Full<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Full<T[Key]> }
    : T;

type Cursor = HistoryPage["cursor"];
type Resume = { id: string; cursor?: Cursor };
type Recovery = { id: string; cursor: Cursor; gap?: GapReason } | { id: string; error: ErrorData };

/** The types of messages are recursive; in fact a parent has no parent of its own. */
type WireMessage = Omit<Message, "parent"> & { parent?: Omit<Message, "parent"> };

/** A public type as the gateway writes it. */
type OnWire<T> = T extends Message
  ? WireMessage
  : T extends readonly (infer Item)[]
    ? OnWire<Item>[]
    : T extends object
      ? { [Key in keyof T]: OnWire<T[Key]> }
      : T;

/** What a call resolves to when it succeeds. */
type ResponseOf<Name extends "sendMessage" | "fetchHistory" | "fetchHistoryAround" | "messageCounts" | "markRead" | "unreadCounts"> = Extract<
  Awaited<ReturnType<AloChat[Name]>>,
  Success<unknown>
>["response"];
