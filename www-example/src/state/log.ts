// The messages of one channel: confirmed ones in the order of their events, own ones on their way after them.

import type { ChatEventMap, Message } from "alo-chat";

import { plainText } from "../sanitize.ts";
import type { Entry, Quote, Row } from "./types.ts";

export class ChannelLog {
  readonly #confirmed: Row[] = [];
  #outgoing: Entry[] = [];
  readonly #byId = new Map<string, Entry>();
  readonly #userId: string;
  #gaps = 0;

  constructor(userId: string) {
    this.#userId = userId;
  }

  /** Everything, from the oldest to the newest. */
  rows(): Row[] {
    return [...this.#confirmed, ...this.#outgoing];
  }

  find(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  /** Whether messages are here that the gateway does not have, failed ones too. */
  get unsent(): boolean {
    return this.#outgoing.some((entry) => entry.id === undefined);
  }

  get failed(): boolean {
    return this.#outgoing.some((entry) => entry.state === "failed");
  }

  /** An own message, shown before the gateway has it. */
  add(entry: Entry): void {
    this.#outgoing.push(entry);
  }

  remove(entry: Entry): void {
    this.#outgoing = this.#outgoing.filter((other) => other !== entry);
  }

  /** Puts a failed message behind those sent since, for another try. */
  again(entry: Entry): void {
    this.remove(entry);
    this.add(entry);
  }

  /** The promise of an own message resolved. Its place is settled by its event, which may have come before. */
  resolved(entry: Entry, message: Message): void {
    if (!this.#outgoing.includes(entry)) return;
    const known = this.#byId.get(message.id);
    if (known && known !== entry) return this.remove(entry);
    this.#take(entry, message);
    this.#sortOutgoing();
  }

  /** An event came; gives the entry if it was not known before. */
  received(message: Message): Entry | undefined {
    const known = this.#byId.get(message.id) ?? this.#awaited(message);
    if (known) {
      this.#take(known, message);
      if (this.#outgoing.includes(known)) {
        this.remove(known);
        this.#confirmed.push(known);
      }
      return undefined;
    }
    const entry: Entry = {
      kind: "message",
      key: message.id,
      channelId: message.channelId,
      userId: message.userId,
      own: message.userId === this.#userId,
      content: message.content,
      time: Number(message.timestamp),
      state: "sent",
      files: message.files,
      uploads: [],
    };
    this.#take(entry, message);
    this.#confirmed.push(entry);
    return entry;
  }

  updated(message: Message): void {
    const entry = this.#byId.get(message.id);
    if (entry) this.#take(entry, message);
  }

  /** Events are missing here; those of own messages may be among them. */
  gap(reason: ChatEventMap["channel.gap"]["reason"]): void {
    const settled = this.#outgoing.filter((entry) => entry.state === "sent");
    this.#outgoing = this.#outgoing.filter((entry) => entry.state !== "sent");
    this.#confirmed.push(...settled, { kind: "gap", key: `gap-${++this.#gaps}`, reason });
  }

  /** The own message this is the event of: only its author's tag counts, anyone can read and repeat it. */
  #awaited(message: Message): Entry | undefined {
    if (message.userId !== this.#userId) return undefined;
    const { clientId } = message.metadata;
    return this.#outgoing.find((entry) => entry.key === clientId && entry.id === undefined);
  }

  #take(entry: Entry, message: Message): void {
    entry.id = message.id;
    entry.content = message.content;
    entry.time = Number(message.timestamp);
    entry.files = message.files;
    entry.quote = message.parent ? quoteOf(message.parent) : entry.quote;
    entry.state = "sent";
    delete entry.error;
    delete entry.abort;
    this.#byId.set(message.id, entry);
  }

  /** Stored ones first, as they were stored: their events will come in this order. */
  #sortOutgoing(): void {
    const rank = (entry: Entry) => (entry.state === "sent" ? entry.time : Infinity);
    this.#outgoing.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  }
}

/** The part of a message that is shown where it is answered. */
export function quoteOf(message: Pick<Message, "id" | "userId" | "content" | "files">): Quote {
  const names = message.files.map((file) => file.name).join(", ");
  return { id: message.id, userId: message.userId, text: plainText(message.content) || names };
}
