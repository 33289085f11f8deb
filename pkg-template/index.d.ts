/// <reference lib="esnext.disposable" />

/**
 * alo-chat: chat for web frontends.
 *
 * Every call returns a promise that resolves, also on failure: look at `status.error`.
 */

import type { EventMethods } from "./types/events.js";
import type { FileMethods } from "./types/files.js";
import type { HistoryMethods } from "./types/history.js";
import type { SendMethods } from "./types/send.js";
import type { StatusMethods } from "./types/status.js";
import type { SubscribeMethods } from "./types/subscribe.js";

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
export type { Done, ErrorCode, ErrorData, Failure, Result, Status, Success } from "./types/result.js";
export type { SendMessageOptions } from "./types/send.js";

export interface AloChatOptions {
  /** The gateway, as `https://chat.example.com`; a path before `/v1` is allowed. */
  endpoint: string | URL;
  /**
   * A token of `POST /v1/auth`, or a function that gets one from your server. The function is called
   * again before the token expires; a string cannot be renewed.
   */
  authToken: string | (() => string | Promise<string>);
  /** Sends that may wait for the network at most; by default 1,000. */
  outboxLimit?: number;
  /**
   * Where unsent messages wait. `"memory"`, the default, lasts as long as the page. `"indexeddb"` keeps
   * them with their files in the browser's storage: after a reload or a crash the next page of the same
   * user sends them, once, and continues their uploads. Where storage cannot be used, `outbox.warning`
   * reports it and memory is used.
   */
  outbox?: "memory" | "indexeddb";
  /** Files uploaded at the same time; by default 3. */
  parallelUploads?: number;
}

/** One user's chat over one connection. */
export class AloChat {
  /** Throws a `TypeError` for options that are wrong. Connects on the first call that needs it. */
  constructor(options: AloChatOptions);

  /** Disconnects and frees the memory; later calls resolve with an error. */
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface AloChat
  extends SendMethods, SubscribeMethods, HistoryMethods, FileMethods, StatusMethods, EventMethods {}

/** Where the engine can be loaded from: its address, its bytes, a response, or a compiled module. */
export type WasmSource = string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module;

/**
 * Loads the engine ahead of the first call, from `source` if it is passed. Later calls share the first
 * load; a failure is thrown here and tried again at the next call.
 */
export function ready(source?: WasmSource): Promise<void>;

/** The package's version. */
export const version: string;
