// The bytes of files: fetched once for previews, and saved to the disk on demand.

import type { ChatFile } from "alo-chat";

import type { Conversation } from "../chat/conversation.ts";

/** Previews stay in memory up to this size, so that switching channels does not load them again. */
const KEPT_BYTES = 96 * 1024 * 1024;

export class Blobs {
  readonly #conversation: Conversation;
  /** Oldest use first. */
  readonly #kept = new Map<string, Blob>();

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  /** A file's bytes; throws an `Error` whose message is for people. */
  async preview(file: ChatFile, signal: AbortSignal): Promise<Blob> {
    const kept = this.#kept.get(file.id);
    const blob = kept ?? (await this.#fetch(file, signal));
    this.#kept.delete(file.id);
    this.#kept.set(file.id, blob);
    let bytes = 0;
    for (const { size } of this.#kept.values()) bytes += size;
    for (const [id, { size }] of this.#kept) {
      if (bytes <= KEPT_BYTES) break;
      this.#kept.delete(id);
      bytes -= size;
    }
    return blob;
  }

  /** Fetches a file and passes it to the browser's downloads. */
  async save(file: ChatFile): Promise<void> {
    const blob = this.#kept.get(file.id) ?? (await this.#fetch(file));
    const link = document.createElement("a");
    // As bytes of no type: whatever it is, it is saved and never opened as a page of this origin.
    link.href = URL.createObjectURL(blob.slice(0, blob.size, "application/octet-stream"));
    link.download = file.name;
    document.body.append(link);
    link.click();
    link.remove();
    // The browser reads it after the click.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  async #fetch(file: ChatFile, signal?: AbortSignal): Promise<Blob> {
    const { status, response } = await this.#conversation.download(file, signal);
    if (status.error) throw new Error(status.errorData.message);
    return response.blob;
  }
}
