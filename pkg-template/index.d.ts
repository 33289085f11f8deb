/// <reference lib="esnext.disposable" />

/**
 * alo-chat: chat for web frontends.
 *
 * Every call returns a promise that resolves to a result, also on failure: check `status.error`.
 */

import type { CountsMethods } from "./types/counts.js";
import type { EventMethods } from "./types/events.js";
import type { FileMethods } from "./types/files.js";
import type { HistoryMethods } from "./types/history.js";
import type { ReadsMethods } from "./types/reads.js";
import type { SendMethods } from "./types/send.js";
import type { StatusMethods } from "./types/status.js";
import type { SubscribeMethods } from "./types/subscribe.js";
import type { TypingMethods } from "./types/typing.js";

export type { ChannelCount, ChannelSince, MessageCounts, MessageCountsOptions } from "./types/counts.js";
export type {
  ChatEvent,
  ChatEventMap,
  ChatEventOf,
  ChatListener,
  ListenerOptions,
} from "./types/events.js";
export type { ChatFile, UploadingFile } from "./types/files.js";
export type { FetchHistoryAroundOptions, FetchHistoryOptions, HistoryOptions, HistoryPage } from "./types/history.js";
export type { JsonObject, JsonValue, Message } from "./types/message.js";
export type { RestoredMessage } from "./types/outbox.js";
export type { MarkReadOptions, ReadMark, UnreadCount, UnreadCountsOptions } from "./types/reads.js";
export type { Done, ErrorCode, ErrorData, Failure, Result, Status, Success } from "./types/result.js";
export type { SendMessageOptions } from "./types/send.js";
export type { ReconnectCause, ReconnectCode } from "./types/status.js";
export type { Typing } from "./types/typing.js";

/** A token of `POST /v1/auth`, or a function that returns one or a promise of one. */
export type AuthToken = string | (() => string | Promise<string>);

/** `authToken` or `userAuthToken` is required. */
export type AloChatOptions = ClientOptions &
  ({ authToken: AuthToken; userAuthToken?: AuthToken } | { authToken?: undefined; userAuthToken: AuthToken });

export interface ClientOptions {
  /** Address of the gateway, such as `https://chat.example.com`. It may have a path. */
  endpoint: string | URL;
  /**
   * A token of `POST /v1/auth`, or a function that returns one or a promise of one. The function is called
   * again before the token expires. A string cannot be renewed: `status.failed` fires when it has expired.
   */
  authToken?: AuthToken;
  /** Another name of `authToken`. */
  userAuthToken?: AuthToken;
  /**
   * Which device of the user this is, for others: 1 to 128 bytes. Default: a random one, kept in the browser's
   * `localStorage`, or for the page where that is unavailable.
   */
  deviceId?: string;
  /** Maximum number of messages that may wait to be sent. Default: 1,000. More resolve with `outbox-full`. */
  outboxLimit?: number;
  /**
   * Where unsent messages are kept. `"memory"` (default): until the page is closed. `"indexeddb"`: in the
   * browser's storage, with their files. After a reload or a crash the next page of the same user sends
   * them, once, continues their uploads, and fires `outbox.restored` for each. If storage is unavailable,
   * `outbox.warning` fires and memory is used.
   */
  outbox?: "memory" | "indexeddb";
  /** Maximum number of files uploaded at the same time. Default: 3. */
  parallelUploads?: number;
}

/**
 * One user's chat over one connection.
 *
 * All calls return promises that resolve to a result, also on failure: check `status.error`.
 */
export class AloChat {
  /**
   * Throws a `TypeError` that names the option if one is invalid. Loads the engine and connects in the
   * background; on a server it does nothing.
   *
   * @example
   * ```js
   * import { AloChat } from "alo-chat";
   *
   * const chat = new AloChat({
   *   endpoint: "https://chat.example.com",
   *   authToken: () => fetch("/api/chat-token").then((response) => response.text()),
   * });
   * ```
   */
  constructor(options: AloChatOptions);

  /** Disconnects, removes all listeners and frees the memory. Open and later calls resolve with `disconnected`. */
  dispose(): void;
  /** The same as `dispose`, for `using`. */
  [Symbol.dispose](): void;
}

export interface AloChat
  extends
    SendMethods,
    SubscribeMethods,
    HistoryMethods,
    CountsMethods,
    ReadsMethods,
    TypingMethods,
    FileMethods,
    StatusMethods,
    EventMethods {}

/** Where the engine is loaded from: its address, its bytes, a response, or a compiled module. */
export type WasmSource = string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module;

/**
 * Loads the engine before it is needed, from `source` if it is passed. Later calls share the first load. If
 * loading fails the promise rejects, and the next call tries again.
 *
 * @example
 * ```js
 * import { ready } from "alo-chat";
 * import wasm from "alo-chat/alo_chat_bg.wasm?url"; // with Vite
 *
 * await ready(wasm);
 * ```
 */
export function ready(source?: WasmSource): Promise<void>;

/** The package's version. */
export const version: string;
