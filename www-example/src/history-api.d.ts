// The part of the SDK's types that is not in the package yet.

import type { Message, Result } from "alo-chat";

declare module "alo-chat" {
  interface Message {
    /** Its place in the channel's log. */
    seq: number;
  }

  interface HistoryPage {
    /** From the newest to the oldest. */
    messages: Message[];
    olderPageToken?: string;
    newerPageToken?: string;
    /** The page reflects every event up to this one and none after it. */
    cursor: { epoch: string; seq: number };
  }

  interface AloChat {
    fetchHistory(options: {
      channelId: string;
      limit?: number;
      olderPageToken?: string;
      newerPageToken?: string;
      signal?: AbortSignal;
    }): Promise<Result<HistoryPage>>;

    fetchHistoryAround(options: {
      channelId: string;
      messageId: string;
      limit?: number;
      signal?: AbortSignal;
    }): Promise<Result<HistoryPage>>;
  }
}
