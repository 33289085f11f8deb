// What the page knows about a message.

import type { ChatFile, ErrorData } from "alo-chat";

export type Delivery = "sending" | "sent" | "failed";

/** A message that is answered, as far as it is quoted. */
export interface Quote {
  id: string;
  userId: string;
  /** As it was written: HTML of someone else. */
  content: string;
  fileNames: string;
}

/** A file on its way up, or one that was. */
export interface Upload {
  source: File;
  percent: number;
  error?: string;
}

export interface Entry {
  kind: "message";
  /** Stays the same from the first keystroke sent to the event: the client's tag for own messages. */
  key: string;
  /** Set once the gateway has assigned one. */
  id?: string;
  /** Its place in the channel's log; set with `id`. */
  seq?: number;
  channelId: string;
  userId: string;
  own: boolean;
  content: string;
  time: number;
  state: Delivery;
  quote?: Quote;
  files: ChatFile[];
  /** For messages sent from this page, in the order of `files`. */
  uploads: Upload[];
  error?: ErrorData;
  abort?: AbortController;
}

/** A message that the gateway has. */
export type StoredEntry = Entry & { id: string; seq: number };

/** Where someone reads in a channel. */
export type Place =
  /** At its newest message, also when more come. */
  | { kind: "end" }
  /** With this message's upper edge so many pixels below that of the list. */
  | { kind: "message"; id: string; top: number };

/** Messages on their way here. */
export type Load = { state: "idle" } | { state: "loading" } | { state: "failed"; error: ErrorData };

/** What is being written in a channel, kept while another one is open. */
export interface Draft {
  text: string;
  files: File[];
  quote?: Quote;
}

export type Connection =
  | { state: "connecting" }
  | { state: "connected" }
  | { state: "disconnected" }
  /** `until` is when the next try begins, in the clock of `Date.now`. */
  | { state: "reconnecting"; until: number; attempt: number }
  | { state: "failed"; error: ErrorData };
