import type { Message } from "./message.js";
import type { Result } from "./result.js";

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

export interface SendMethods {
  /**
   * Sends a message once, however often the network fails. Resolves when it is stored durably.
   * Messages without files keep the order of the calls; one with files is sent when they are uploaded.
   */
  sendMessage(options: SendMessageOptions): Promise<Result<{ message: Message }>>;
}
