import type { Result } from "./result.js";

export interface MarkReadOptions {
  channelId: string;
  /** UUID of the last message the user has read. */
  messageId: string;
  /** Aborts the call; it resolves with `aborted`. */
  signal?: AbortSignal;
}

export interface UnreadCountsOptions {
  /** At most 100 channels, each once. Without them: the channels of the token. */
  channelIds?: readonly string[];
  /** Aborts the call; it resolves with `aborted`. */
  signal?: AbortSignal;
}

/** Up to where the user has read a channel. */
export interface ReadMark {
  channelId: string;
  /** The last message read or sent; it may be deleted. Absent if the channel was erased up to it. */
  messageId?: string;
  /** The `seq` of that message: the user has read it and every message with a smaller one. */
  messageSeq?: number;
}

export interface UnreadCount {
  /** The channel. */
  id: string;
  /** Messages behind the last one that the user has read or sent, without deleted ones. */
  count: number;
  /** That message; it may be deleted. Absent if the user has read nothing of what there is. */
  lastReadMessageId?: string;
  /** Its `timestamp`. Absent if it is deleted. */
  lastReadTimestamp?: string;
  /** The count reflects every event of the channel up to and including this one, and none after it. */
  cursor: { epoch: string; seq: number };
}

export interface ReadsEvents {
  /** The user has read a channel further, on this or another device. Fires after a call of `unreadCounts` or `markRead`. */
  "read.updated": ReadMark;
}

export interface ReadsMethods {
  /**
   * Marks a channel as read up to a message, for all devices of the user. Resolves with the mark that holds: one
   * further back changes nothing. Whoever sends a message has read what stands before it.
   *
   * Errors: `message-not-found`, `channel-forbidden`, `aborted`, `disconnected`.
   *
   * @example
   * ```js
   * await chat.markRead({ channelId: "alpha", messageId: message.id });
   * ```
   */
  markRead(options: MarkReadOptions): Promise<Result<ReadMark>>;

  /**
   * Counts what the user has not read. From then on `read.updated` fires for each mark, also across reconnects; if
   * such events are lost, `channel.gap` fires with an empty `channelId`: call this again.
   *
   * Errors: `channel-forbidden` (of `channelIds`), `aborted`, `disconnected`.
   *
   * @example
   * ```js
   * const { status, response } = await chat.unreadCounts();
   * if (!status.error) for (const { id, count } of response.channels) console.log(id, count);
   * ```
   */
  unreadCounts(options?: UnreadCountsOptions): Promise<Result<{ channels: UnreadCount[] }>>;
}
