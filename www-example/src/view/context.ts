// What the views of a signed-in user share.

import type { ChatFile } from "alo-chat";

import type { Conversation } from "../chat/conversation.ts";
import type { Blobs } from "../files/blobs.ts";
import type { Store } from "../state/store.ts";
import type { Entry } from "../state/types.ts";

export interface Context {
  store: Store;
  conversation: Conversation;
  blobs: Blobs;
  /** Announces a text to screen readers, after what they are reading. */
  announce(text: string): void;
  reply(entry: Entry): void;
  /** Takes a failed message back into the composer. */
  edit(entry: Entry): void;
  /** Goes to a message of the open channel. */
  jump(messageId: string): void;
  showImage(blob: Blob, name: string, file: ChatFile | undefined): void;
}
