import type { Message } from "./message.js";
import type { Done, Result } from "./result.js";

export interface SubscribeEvents {
  /** A message was sent to a subscribed channel, by you or by others. */
  "message.new": { message: Message };
  /**
   * Events of the channel are missing and cannot be recovered: load its history again. An empty `channelId` stands
   * for the user's own events: call `unreadCounts` again. Events continue from here. `reason` is one of
   * - `epoch-changed`: the gateway's data was replaced or restored from a copy
   * - `cursor-ahead`: it was restored from a copy older than what you received
   * - `expired`: some events are no longer readable
   * - `forbidden`: the channel may no longer be read, and is no longer subscribed
   */
  "channel.gap": { channelId: string; reason: "epoch-changed" | "expired" | "cursor-ahead" | "forbidden" };
}

export interface SubscribeMethods {
  /**
   * Subscribes to channels. Resolves when the gateway has confirmed all of them; from then on each event
   * reaches the listeners once and in order, also across reconnects.
   *
   * Errors: `channel-forbidden` (then none of the channels is subscribed), `disconnected`.
   *
   * @example
   * ```js
   * chat.addEventListener("message.new", ({ data }) => console.log(data.message.content));
   * const { status } = await chat.subscribe({ channelIds: ["alpha", "bravo"] });
   * if (status.error) console.error(status.errorData.message);
   * ```
   */
  subscribe(options: { channelIds: readonly string[] }): Promise<Result<{ channelIds: string[] }>>;

  /** Unsubscribes from channels: no more of their events are received. */
  unsubscribe(options: { channelIds: readonly string[] }): Promise<Done>;
}
