/// <reference lib="esnext.disposable" />

/**
 * alo-chat: chat for web frontends.
 *
 * Every call returns a promise that resolves, also on failure: look at `status.error`.
 */

/** Why a call failed. */
export interface ErrorData {
  /** HTTP-like status: 4xx the call, 5xx the other side. */
  statusCode: number;
  /** For people; names what was wrong. */
  message: string;
  /** Stable, for programs; see docs/errors.md. */
  code: ErrorCode;
  /** Whether the same call may succeed later without a change. */
  retryable: boolean;
}

export type ErrorCode =
  | "invalid-argument" | "malformed-frame" | "unknown-method"
  | "token-missing" | "token-invalid" | "token-expired" | "token-unavailable"
  | "channel-forbidden" | "origin-forbidden"
  | "not-found" | "message-not-found" | "file-not-found"
  | "method-not-allowed" | "idempotency-conflict" | "offset-mismatch" | "file-in-use" | "gone" | "unsupported-version"
  | "content-too-large" | "file-too-large" | "unsupported-media-type" | "range-not-satisfiable"
  | "file-incomplete" | "user-not-member" | "upload-locked"
  | "too-many-requests" | "outbox-full" | "outbox-unavailable" | "checksum-mismatch"
  | "aborted" | "disconnected"
  | "internal" | "load-failed" | "upload-failed" | "unavailable" | "storage-full";

export type Status =
  | { error: false; errorData?: undefined }
  | { error: true; errorData: ErrorData };

/** A call that succeeded. */
export interface Success<R> {
  status: { error: false; errorData?: undefined };
  response: R;
}

/**
 * A call that failed. It carries no response; `never` lets `res.response.message` stand after an
 * `if (res.status.error) return;`, which TypeScript cannot follow by itself.
 */
export interface Failure {
  status: { error: true; errorData: ErrorData };
  response: never;
}

export type Result<R> = Success<R> | Failure;

/** A call that has nothing to tell but that it is done. */
export interface Done {
  status: Status;
}

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** A file of a message. */
export interface ChatFile {
  /** UUID. */
  id: string;
  channelId: string;
  /** As on the sender's disk: untrusted. */
  name: string;
  /** Unix time in milliseconds. */
  lastModified: number;
  /** Bytes. */
  size: number;
  /** As the sender's browser said: untrusted. */
  contentType: string;
  /** Where it can be downloaded with the token in an `Authorization` header; see `downloadFile`. */
  url: string;
}

export interface Message {
  /** UUID. */
  id: string;
  channelId: string;
  userId: string;
  /** Unix time in milliseconds, as a string. */
  timestamp: string;
  /** Untrusted: sanitise before it is shown as HTML. */
  content: string;
  /** `{}` when none was given. */
  metadata: JsonObject;
  /** The message replied to, itself without `parent`. */
  parent?: Message;
  /** Root of the chain of replies. */
  rootMessageId?: string;
  /** Translations by language code. */
  i18n: { [languageCode: string]: { content: string } };
  files: ChatFile[];
  actions: JsonObject[];
}

/** A file on its way up, in `file.upload.*`. */
export interface UploadingFile {
  /** Set once the gateway has given one. */
  id?: string;
  channelId: string;
  name: string;
  lastModified: number;
  size: number;
  contentType: string;
  /** The very `File` that was passed to `sendMessage`. */
  source: File;
}

/** What a listener receives: these two keys exactly. */
export type ChatEvent = { [T in keyof ChatEventMap]: { type: T; data: ChatEventMap[T] } }[keyof ChatEventMap];

export type ChatEventOf<T extends keyof ChatEventMap> = Extract<ChatEvent, { type: T }>;

export interface ChatEventMap {
  /** The connection is established. */
  "status.connected": Record<string, never>;
  /** The connection was lost, or `disconnect()` was called. Lost ones come back by themselves. */
  "status.disconnected": Record<string, never>;
  /** The connection was lost and is tried again after `delayMs`. */
  "status.reconnecting": { attempt: number; delayMs: number };
  /**
   * The SDK has stopped for a reason a retry cannot mend (a bad token, say). Open calls are answered
   * with this error; `connect()` starts again.
   */
  "status.failed": { error: ErrorData };
  "message.new": { message: Message };
  "message.updated": { message: Message };
  "message.action.new": { message: Message; action: JsonObject };
  "message.i18n.updated": { message: Message; i18n: Message["i18n"] };
  /** `percent` is 0 to 100, and 100 only when all is up. */
  "file.upload.progress": { file: UploadingFile; percent: number };
  "file.upload.complete": { file: UploadingFile };
  "file.upload.error": { file: UploadingFile; error: ErrorData };
  "typing.start": { channelId: string; userId: string; deviceId: string };
  "typing.stop": { channelId: string; userId: string; deviceId: string };
  /**
   * Events of the channel could not be recovered whole: load its history again. With `forbidden` the
   * channel may no longer be read, and is no longer subscribed.
   */
  "channel.gap": { channelId: string; reason: "epoch-changed" | "expired" | "cursor-ahead" | "forbidden" };
  /** With `outbox: "indexeddb"`: a message an earlier page has left unsent is being sent. */
  "outbox.restored": { message: RestoredMessage; result: Promise<Result<{ message: Message }>> };
  /** With `outbox: "indexeddb"`: unsent messages live in memory alone, as with `outbox: "memory"`. */
  "outbox.warning": { error: ErrorData };
}

/** As it was given to `sendMessage` by a page that was closed before the answer. */
export interface RestoredMessage {
  channelId: string;
  content: string;
  metadata?: JsonObject;
  parentId?: string;
  files: File[];
}

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
   * user sends them, once, and goes on with their uploads. Where storage cannot be had, `outbox.warning`
   * tells and memory is used.
   */
  outbox?: "memory" | "indexeddb";
  /** Files uploaded at the same time; by default 3. */
  parallelUploads?: number;
}

export interface SendMessageOptions {
  /** Must be among the channels the token was made for. */
  channelId: string;
  content: string;
  /** Any JSON object, kept exactly. */
  metadata?: object;
  /** Id of the message replied to, in the same channel. */
  parentId?: string;
  /** Uploaded before the message is sent. */
  files?: readonly File[] | FileList;
  /** Ends uploads and takes the message back if it has not been sent yet. */
  signal?: AbortSignal;
}

export interface ListenerOptions {
  /** Removes the listener when aborted. */
  signal?: AbortSignal;
  /** Removes the listener after its first event. */
  once?: boolean;
}

export type ChatListener = (event: ChatEvent) => void;

/** One user's chat over one connection. */
export class AloChat {
  /** Throws a `TypeError` for options that are wrong. Connects on the first call that needs it. */
  constructor(options: AloChatOptions);

  /**
   * Sends a message once, however often the network fails. Resolves when it is stored durably.
   * Messages without files keep the order of the calls; one with files is sent when they are up.
   */
  sendMessage(options: SendMessageOptions): Promise<Result<{ message: Message }>>;

  /** Starts the events of channels; resolves when the gateway has confirmed. */
  subscribe(options: { channelIds: readonly string[] }): Promise<Result<{ channelIds: string[] }>>;

  /** Ends the events of channels. */
  unsubscribe(options: { channelIds: readonly string[] }): Promise<Done>;

  /** Connects, if `disconnect` was called or the SDK has failed; resolves when connected. */
  connect(): Promise<Done>;

  /** Ends the connection. Calls not yet answered resolve with `disconnected`. */
  disconnect(): Promise<Done>;

  /** The bytes of a message's file, fetched with the token. */
  downloadFile(options: { file: ChatFile; signal?: AbortSignal }): Promise<Result<{ blob: Blob }>>;

  /** Hears all events. One that throws is reported and harms no other. */
  addEventListener(listener: ChatListener, options?: ListenerOptions): void;
  /** Hears events of one type. */
  addEventListener<T extends keyof ChatEventMap>(
    type: T,
    listener: (event: ChatEventOf<T>) => void,
    options?: ListenerOptions,
  ): void;

  removeEventListener(listener: ChatListener): void;
  removeEventListener<T extends keyof ChatEventMap>(type: T, listener: (event: ChatEventOf<T>) => void): void;

  /** Disconnects and gives back the memory; later calls resolve with an error. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Where the engine may be had: its address, its bytes, a response, or a compiled module. */
export type WasmSource = string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module;

/**
 * Loads the engine ahead of the first call, from `source` if given. Later calls share the first one;
 * a failure is thrown here and tried again at the next call.
 */
export function ready(source?: WasmSource): Promise<void>;

/** The package's version. */
export const version: string;
