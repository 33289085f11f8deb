export interface DeleteEvents {
  /**
   * A message was deleted: remove it, also from pages of history that were loaded before, and where it is quoted
   * as a `parent`. It may be one that you have never received.
   */
  "message.deleted": {
    channelId: string;
    messageId: string;
    /** The `seq` of the message. */
    messageSeq: number;
  };
}
