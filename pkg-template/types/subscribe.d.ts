import type { Message } from "./message.js";
import type { Done, Result } from "./result.js";

export interface SubscribeEvents {
  "message.new": { message: Message };
  /**
   * Events of the channel could not be recovered whole: load its history again. With `forbidden` the
   * channel may no longer be read, and is no longer subscribed.
   */
  "channel.gap": { channelId: string; reason: "epoch-changed" | "expired" | "cursor-ahead" | "forbidden" };
}

export interface SubscribeMethods {
  /** Starts the events of channels; resolves when the gateway has confirmed. */
  subscribe(options: { channelIds: readonly string[] }): Promise<Result<{ channelIds: string[] }>>;

  /** Ends the events of channels. */
  unsubscribe(options: { channelIds: readonly string[] }): Promise<Done>;
}
