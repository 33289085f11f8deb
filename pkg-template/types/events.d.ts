import type { DeleteEvents } from "./delete.js";
import type { FileEvents } from "./files.js";
import type { OutboxEvents } from "./outbox.js";
import type { ReadsEvents } from "./reads.js";
import type { StatusEvents } from "./status.js";
import type { SubscribeEvents } from "./subscribe.js";
import type { TypingEvents } from "./typing.js";

/** The `data` of every event, by the event's `type`. */
export interface ChatEventMap
  extends StatusEvents, SubscribeEvents, DeleteEvents, ReadsEvents, TypingEvents, FileEvents, OutboxEvents {}

/** What a listener receives: exactly `type` and `data`. Checking `event.type` narrows `event.data`. */
export type ChatEvent = { [T in keyof ChatEventMap]: { type: T; data: ChatEventMap[T] } }[keyof ChatEventMap];

/** The event of one type, such as `ChatEventOf<"message.new">`. */
export type ChatEventOf<T extends keyof ChatEventMap> = Extract<ChatEvent, { type: T }>;

/** A listener for all events. */
export type ChatListener = (event: ChatEvent) => void;

export interface ListenerOptions {
  /** Removes the listener when aborted. */
  signal?: AbortSignal;
  /** Removes the listener after its first event. */
  once?: boolean;
}

export interface EventMethods {
  /**
   * Listens to all events. Listeners are called in the order in which they were added; adding the same one
   * again has no effect. Exceptions are reported with `reportError` and don't affect other listeners.
   *
   * @example
   * ```js
   * chat.addEventListener(({ type, data }) => console.log(type, data));
   * ```
   */
  addEventListener(listener: ChatListener, options?: ListenerOptions): void;
  /**
   * Listens to events of one type. Exceptions are reported with `reportError` and don't affect other listeners.
   *
   * @example
   * ```js
   * const controller = new AbortController();
   * chat.addEventListener("message.new", ({ data }) => console.log(data.message.content), {
   *   signal: controller.signal,
   * });
   * controller.abort(); // removes the listener
   * ```
   */
  addEventListener<T extends keyof ChatEventMap>(
    type: T,
    listener: (event: ChatEventOf<T>) => void,
    options?: ListenerOptions,
  ): void;

  /** Removes a listener for all events. */
  removeEventListener(listener: ChatListener): void;
  /** Removes a listener for one type. */
  removeEventListener<T extends keyof ChatEventMap>(type: T, listener: (event: ChatEventOf<T>) => void): void;
}
