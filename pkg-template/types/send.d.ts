import type { Message } from "./message.js";
import type { Result } from "./result.js";

export interface SendMessageOptions {
  /** One of the channels the token was made for. */
  channelId: string;
  /** Up to 64 KiB. */
  content: string;
  /** Any plain object that can be written as JSON, up to 16 KiB. Kept exactly. */
  metadata?: object;
  /** UUID of the message replied to, in the same channel. */
  parentId?: string;
  /**
   * Up to 32 files of up to 8 GiB, uploaded before the message is sent. If a file changes during upload, the
   * send fails.
   */
  files?: readonly File[] | FileList;
  /** Stops uploads and cancels the message if it has not been sent yet. */
  signal?: AbortSignal;
}

export interface SendMethods {
  /**
   * Sends a message. It is stored exactly once, however often the network fails; the promise resolves when
   * it is stored durably. While offline it waits in the outbox.
   * Messages without files keep the order of the calls; one with files is sent when they are uploaded.
   *
   * Errors: `channel-forbidden`, `message-not-found` (of `parentId`), `content-too-large`, `file-too-large`,
   * `quota-exceeded`, `upload-failed`, `outbox-full`, `aborted`, `disconnected`.
   *
   * @example
   * ```js
   * const { status, response } = await chat.sendMessage({
   *   channelId: "alpha",
   *   content: "Hello",
   *   files: [...input.files],
   * });
   * if (status.error) alert(status.errorData.message);
   * else console.log(response.message.id);
   * ```
   */
  sendMessage(options: SendMessageOptions): Promise<Result<{ message: Message }>>;
}
