import type { ChatFile } from "./files.js";

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** A stored message. */
export interface Message {
  /** UUID. */
  id: string;
  channelId: string;
  /** The sender, as your server named them when it requested the token. */
  userId: string;
  /** Position in the channel: a later message has a larger one. */
  seq: number;
  /**
   * Which state of the message this is: it grows with every change. Of two states, such as an event's and a page's,
   * keep the one with the larger `version`.
   */
  version: number;
  /** Unix time in milliseconds, as a string. */
  timestamp: string;
  /** When the content or the metadata was changed last, like `timestamp`. Absent if never. */
  editedAt?: string;
  /** Untrusted: sanitise it before you show it as HTML. */
  content: string;
  /** The object passed to `sendMessage`, or `{}`. */
  metadata: JsonObject;
  /** The message replied to, itself without `parent`. Absent if this is not a reply, or if that was deleted. */
  parent?: Message;
  /** The first message of the chain of replies. Absent if this is not a reply. */
  rootMessageId?: string;
  /** Translations by language code. */
  i18n: { [languageCode: string]: { content: string } };
  /** In the order in which they were passed to `sendMessage`. */
  files: ChatFile[];
  actions: JsonObject[];
}
