import type { Message } from "./message.js";
import type { Result } from "./result.js";

/** At most one token; without one, the newest page. */
export interface FetchHistoryOptions {
  channelId: string;
  /** Messages at most, 1 to 1,000; by default 100. */
  limit?: number;
  /** From an earlier page: continues towards the oldest message. */
  olderPageToken?: string;
  /** From an earlier page: continues towards the newest message. */
  newerPageToken?: string;
  /** Ends the call. */
  signal?: AbortSignal;
}

export interface FetchHistoryAroundOptions {
  channelId: string;
  /** The message in the middle. */
  messageId: string;
  /** Messages on each side at most, 1 to 1,000; by default 100. */
  limit?: number;
  /** Ends the call. */
  signal?: AbortSignal;
}

export interface HistoryOptions {
  channelId: string;
  /** Messages of a page at most, 1 to 1,000; by default 100. */
  limit?: number;
  /** Ends the loop with an error. */
  signal?: AbortSignal;
}

export interface HistoryPage {
  /** Newest to oldest. There may be fewer than `limit` although there are more: the tokens say so. */
  messages: Message[];
  /** Present when there are older messages. */
  olderPageToken?: string;
  /** Present when there are newer messages. */
  newerPageToken?: string;
  /** What the page shows: it reflects every event of the channel up to this one, and none after it. */
  cursor: { epoch: string; seq: number };
}

export interface HistoryMethods {
  /** A page of a channel's messages. Offline it waits for the network; `signal` ends the wait. */
  fetchHistory(options: FetchHistoryOptions): Promise<Result<HistoryPage>>;

  /** A message with the messages before and after it. */
  fetchHistoryAround(options: FetchHistoryAroundOptions): Promise<Result<HistoryPage>>;

  /**
   * A channel's messages from newest to oldest, loaded page by page:
   * `for await (const message of chat.history({ channelId: "alpha" })) …`
   * Throws an `Error` with a `code` when a page cannot be loaded.
   */
  history(options: HistoryOptions): AsyncIterableIterator<Message>;
}
