import type { Message } from "./message.js";
import type { Result } from "./result.js";

/** Pass at most one page token. Without one, the newest page is loaded. */
export interface FetchHistoryOptions {
  channelId: string;
  /** Maximum number of messages, 1 to 1,000. Default: 100. */
  limit?: number;
  /** From an earlier page: continues towards the oldest message. */
  olderPageToken?: string;
  /** From an earlier page: continues towards the newest message. */
  newerPageToken?: string;
  /** Aborts the call; it resolves with `aborted`. */
  signal?: AbortSignal;
}

export interface FetchHistoryAroundOptions {
  channelId: string;
  /** UUID of the message in the middle. */
  messageId: string;
  /** Maximum number of messages on each side, 1 to 1,000: `limit: 5` returns up to 11. Default: 100. */
  limit?: number;
  /** Aborts the call; it resolves with `aborted`. */
  signal?: AbortSignal;
}

export interface HistoryOptions {
  channelId: string;
  /** Maximum number of messages loaded per request, 1 to 1,000. Default: 100. */
  limit?: number;
  /** Aborts the loop, which throws an error with the code `aborted`. */
  signal?: AbortSignal;
}

export interface HistoryPage {
  /**
   * Newest to oldest. A page of large messages may hold fewer than `limit` although there are more: check
   * the tokens, not the number of messages.
   */
  messages: Message[];
  /** Present if there are older messages. */
  olderPageToken?: string;
  /** Present if there are newer messages. */
  newerPageToken?: string;
  /** The page reflects every event of the channel up to and including this one, and none after it. */
  cursor: { epoch: string; seq: number };
}

export interface HistoryMethods {
  /**
   * Loads a page of a channel's messages, newest to oldest. While offline the call waits and is sent after
   * the reconnect; `signal` and `disconnect()` end the wait.
   *
   * Errors: `channel-forbidden`, `invalid-argument` (also for an unknown page token), `aborted`, `disconnected`.
   *
   * @example
   * ```js
   * const page = await chat.fetchHistory({ channelId: "alpha", limit: 50 });
   * if (!page.status.error) {
   *   const { messages, olderPageToken } = page.response;
   *   if (olderPageToken) await chat.fetchHistory({ channelId: "alpha", limit: 50, olderPageToken });
   * }
   * ```
   */
  fetchHistory(options: FetchHistoryOptions): Promise<Result<HistoryPage>>;

  /**
   * Loads a message together with the messages before and after it, for example to jump to a search result.
   *
   * Errors: `message-not-found`, and those of `fetchHistory`.
   *
   * @example
   * ```js
   * const page = await chat.fetchHistoryAround({ channelId: "alpha", messageId: message.id, limit: 20 });
   * if (!page.status.error) console.log(page.response.messages); // newest to oldest
   * ```
   */
  fetchHistoryAround(options: FetchHistoryAroundOptions): Promise<Result<HistoryPage>>;

  /**
   * Iterates over a channel's messages from newest to oldest. Pages are loaded as the loop reaches them.
   * Throws an `Error` with the `code`, `statusCode` and `retryable` of `ErrorData` if a page cannot be loaded.
   *
   * @example
   * ```js
   * for await (const message of chat.history({ channelId: "alpha" })) {
   *   if (message.userId === "ada") break;
   * }
   * ```
   */
  history(options: HistoryOptions): AsyncIterableIterator<Message>;
}
