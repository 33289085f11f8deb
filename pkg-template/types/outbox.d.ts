import type { JsonObject, Message } from "./message.js";
import type { ErrorData, Result } from "./result.js";

/** As it was passed to `sendMessage` by a page that was closed before the answer. */
export interface RestoredMessage {
  channelId: string;
  content: string;
  metadata?: JsonObject;
  parentId?: string;
  files: File[];
}

export interface OutboxEvents {
  /** With `outbox: "indexeddb"`: a message that an earlier page left unsent is being sent. */
  "outbox.restored": { message: RestoredMessage; result: Promise<Result<{ message: Message }>> };
  /** With `outbox: "indexeddb"`: unsent messages are kept in memory only, as with `outbox: "memory"`. */
  "outbox.warning": { error: ErrorData };
}
