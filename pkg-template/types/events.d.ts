import type { FileEvents } from "./files.js";
import type { OutboxEvents } from "./outbox.js";
import type { StatusEvents } from "./status.js";
import type { SubscribeEvents } from "./subscribe.js";

/** Every event by its type, with its data. */
export interface ChatEventMap extends StatusEvents, SubscribeEvents, FileEvents, OutboxEvents {}

/** What a listener receives: these two keys exactly. */
export type ChatEvent = { [T in keyof ChatEventMap]: { type: T; data: ChatEventMap[T] } }[keyof ChatEventMap];

export type ChatEventOf<T extends keyof ChatEventMap> = Extract<ChatEvent, { type: T }>;

export type ChatListener = (event: ChatEvent) => void;

export interface ListenerOptions {
  /** Removes the listener when aborted. */
  signal?: AbortSignal;
  /** Removes the listener after its first event. */
  once?: boolean;
}

export interface EventMethods {
  /** Listens to all events. A listener that throws is reported and harms no other. */
  addEventListener(listener: ChatListener, options?: ListenerOptions): void;
  /** Listens to events of one type. */
  addEventListener<T extends keyof ChatEventMap>(
    type: T,
    listener: (event: ChatEventOf<T>) => void,
    options?: ListenerOptions,
  ): void;

  removeEventListener(listener: ChatListener): void;
  removeEventListener<T extends keyof ChatEventMap>(type: T, listener: (event: ChatEventOf<T>) => void): void;
}
