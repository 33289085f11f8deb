import type { Failure, Success } from "./result.js";

/** A channel, and the time after which its messages count. */
export interface ChannelSince {
  channelId: string;
  /**
   * Unix time in milliseconds, or the same as a string, such as the `timestamp` of the last message that was read: a
   * message of this very time does not count.
   */
  timestamp: number | string;
}

export interface ChannelCount {
  /** The channel. */
  id: string;
  /** Messages sent since, without deleted ones; 10,000 means so many or more. */
  count: number;
}

export interface MessageCountsOptions {
  /** Ends the call with `aborted`. */
  signal?: AbortSignal;
}

/** What `messageCounts` resolves to; `channels` is the same list as `response.channels`. */
export type MessageCounts =
  | (Success<{ channels: ChannelCount[] }> & { channels: ChannelCount[] })
  | (Failure & { channels: never });

export interface CountsMethods {
  /**
   * Counts the messages sent to channels since a time: at most 100 channels a call, each once, answered in the same
   * order. Without a network it waits for the reconnect.
   *
   * Errors: `channel-forbidden`, `invalid-argument`.
   *
   * @example
   * ```js
   * const { channels } = await chat.messageCounts([{ channelId: "alpha", timestamp: Date.now() - 86_400_000 }]);
   * console.log(channels[0].count);
   * ```
   */
  messageCounts(channels: ChannelSince[], options?: MessageCountsOptions): Promise<MessageCounts>;
}
