import type { ChatFile } from "./files.js";

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export interface Message {
  /** UUID. */
  id: string;
  channelId: string;
  userId: string;
  /** Its place in the channel: a later message has a larger one. */
  seq: number;
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
