import type { JsonObject, Message } from "./message.js";
import type { ErrorData, Result } from "./result.js";

/** A message as an earlier page passed it to `sendMessage`. */
export interface RestoredMessage {
  channelId: string;
  content: string;
  metadata?: JsonObject;
  parentId?: string;
  files: File[];
}

export interface OutboxEvents {
  /**
   * With `outbox: "indexeddb"`: a message that an earlier page left unsent is being sent. `result` resolves
   * as `sendMessage` would have.
   */
  "outbox.restored": { message: RestoredMessage; result: Promise<Result<{ message: Message }>> };
  /**
   * With `outbox: "indexeddb"`: storage is unavailable or full, so unsent messages are kept in memory only.
   * Sending continues.
   */
  "outbox.warning": { error: ErrorData };
}
