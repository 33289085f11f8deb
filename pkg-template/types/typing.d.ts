import type { Done } from "./result.js";

/** Who types where, on which device. */
export interface Typing {
  channelId: string;
  userId: string;
  /** Of the option `deviceId`. A user may type on several. */
  deviceId: string;
}

export interface TypingEvents {
  /**
   * Somebody types in a subscribed channel: another user, or you on another device. Show it until `typing.stop` with
   * the same `userId` and `deviceId`.
   */
  "typing.start": Typing;
  /**
   * Somebody has stopped typing: sent the message, called `stopTyping`, is not connected any more, or did not go on
   * for some seconds.
   */
  "typing.stop": Typing;
}

export interface TypingMethods {
  /**
   * Reports that the user types. Call it on every input: it is sent at most every three seconds, and the calls between
   * resolve to the same result. Sending a message ends it, and so do eight seconds without another call.
   *
   * Without a connection it resolves to the error `unavailable`: call it again on the next input. Other errors:
   * `channel-forbidden`, `user-muted`.
   *
   * @example
   * ```js
   * input.addEventListener("input", () => {
   *   if (input.value) chat.startTyping({ channelId: "alpha" });
   *   else chat.stopTyping({ channelId: "alpha" });
   * });
   * ```
   */
  startTyping(options: { channelId: string; signal?: AbortSignal }): Promise<Done>;

  /** Reports that the user does not type any more. Not needed after `sendMessage`. */
  stopTyping(options: { channelId: string; signal?: AbortSignal }): Promise<Done>;
}
