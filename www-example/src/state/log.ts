// The messages of one channel: stored ones as far as they are loaded, own ones on their way after them.

import type { HistoryPage, Message } from "alo-chat";

import { quoteOf } from "./quote.ts";
import type { Entry, Place, StoredEntry } from "./types.ts";
import { MessageWindow, SLACK } from "./window.ts";
import type { Edge, Page, Side } from "./window.ts";

/** Messages held of a channel; those far from where one reads are dropped and loaded again when wanted. */
export const HELD = 1000;
/** So many around where one reads are never dropped. */
const NEAR = SLACK + 50;

export class ChannelLog {
  readonly #stored = new MessageWindow<StoredEntry>();
  #outgoing: Entry[] = [];
  /** Shown until what replaces them is loaded. */
  #stale: readonly StoredEntry[] = [];
  /** Pages that were read before may still have them. */
  readonly #deleted = new Set<string>();
  readonly #userId: string;

  constructor(userId: string) {
    this.#userId = userId;
  }

  /** From the oldest to the newest; own ones being sent are only at the present. */
  rows(): readonly Entry[] {
    if (!this.opened) return [...this.#stale, ...this.#outgoing];
    return this.atPresent ? [...this.#stored.items, ...this.#outgoing] : this.#stored.items;
  }

  /** A message of these rows. */
  find(id: string): Entry | undefined {
    return this.rows().find((entry) => entry.id === id);
  }

  /** The messages that the gateway has, as far as they are loaded. */
  get stored(): readonly StoredEntry[] {
    return this.#stored.items;
  }

  get newest(): StoredEntry | undefined {
    return this.#stored.items.at(-1);
  }

  /** Whether a page has been loaded, and no gap has come since. */
  get opened(): boolean {
    return this.#stored.edges !== undefined;
  }

  /** Whether it reaches the newest message. */
  get atPresent(): boolean {
    return this.#stored.atPresent;
  }

  edge(side: Side): Edge | undefined {
    return this.#stored.edges?.[side];
  }

  /** Whether messages are here that the gateway does not have, failed ones too. */
  get unsent(): boolean {
    return this.#outgoing.some((entry) => entry.id === undefined);
  }

  get failed(): boolean {
    return this.#outgoing.some((entry) => entry.state === "failed");
  }

  /** Shows this page in place of what is loaded. */
  open(page: HistoryPage): void {
    this.#stored.open(this.#entries(page));
    this.#stale = [];
  }

  /** Adds a page that was loaded for an edge; returns whether it still fits there. */
  extend(side: Side, loadedFor: Edge, page: HistoryPage, place: Place): boolean {
    if (this.#stored.edges?.[side] !== loadedFor) return false;
    const extended = this.#stored.extend(side, loadedFor, this.#entries(page));
    this.#trim(side === "older" ? "newer" : "older", HELD, place);
    return extended;
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
    const known = this.find(message.id);
    if (known && known !== entry) return this.remove(entry);
    take(entry, message);
    this.#sortOutgoing();
  }

  /** An event came; returns the entry if it was not known before. */
  received(message: Message, place: Place): StoredEntry | undefined {
    const { entry, isNew } = this.#entry(message);
    this.#stored.receive(entry);
    if (place.kind === "end") this.#stored.trim("older", HELD);
    // Someone reads far up while others write on and on: the present can be loaded again.
    else this.#trim("newer", 2 * HELD, place);
    return isNew ? entry : undefined;
  }

  /** A message was deleted: it is neither shown nor quoted any more. */
  deleted(id: string): void {
    this.#deleted.add(id);
    const stays = (entry: Entry) => entry.id !== id;
    for (const entry of [...this.#stored.items, ...this.#stale, ...this.#outgoing])
      if (entry.quote?.id === id) delete entry.quote;
    this.#stored.remove(id);
    this.#stale = this.#stale.filter(stays);
    this.#outgoing = this.#outgoing.filter(stays);
  }

  /** Events are missing: what is stored must be loaded again, and has own messages whose events were missed. */
  gap(): void {
    if (this.opened) this.#stale = this.#stored.items;
    this.#stored.clear();
    this.#outgoing = this.#outgoing.filter((entry) => entry.state !== "sent");
  }

  #trim(side: Side, max: number, place: Place): void {
    const { items } = this.#stored;
    const at = place.kind === "end" ? items.length - 1 : items.findIndex(({ id }) => id === place.id);
    const kept = at < 0 ? 0 : NEAR + (side === "older" ? items.length - at : at);
    this.#stored.trim(side, Math.max(max, kept));
  }

  #entries({ messages, ...page }: HistoryPage): Page<StoredEntry> {
    const there = messages.filter(({ id }) => !this.#deleted.has(id));
    return { ...page, messages: there.map((message) => this.#entry(message).entry) };
  }

  /** The entry of a message, the same one for as long as it is held; an own one stops being on its way. */
  #entry(message: Message): { entry: StoredEntry; isNew: boolean } {
    const outgoing = this.#outgoing.find(({ id }) => id === message.id) ?? this.#awaited(message);
    if (outgoing) this.remove(outgoing);
    const known = this.#stored.find(message.id) ?? outgoing ?? this.#stale.find(({ id }) => id === message.id);
    if (known) return { entry: take(known, message), isNew: false };
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
    return { entry: take(entry, message), isNew: true };
  }

  /** The own message this is: only its author's tag counts, anyone can read and repeat it. */
  #awaited(message: Message): Entry | undefined {
    if (message.userId !== this.#userId) return undefined;
    const { clientId } = message.metadata;
    return this.#outgoing.find((entry) => entry.key === clientId && entry.id === undefined);
  }

  /** Stored ones first, as they were stored: their events will come in this order. */
  #sortOutgoing(): void {
    const rank = (entry: Entry) => entry.seq ?? Infinity;
    this.#outgoing.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  }
}

function take(entry: Entry, message: Message): StoredEntry {
  const { id, seq, content, files } = message;
  const quote = message.parent ? quoteOf(message.parent) : entry.quote;
  delete entry.error;
  delete entry.abort;
  return Object.assign(entry, {
    id,
    seq,
    content,
    files,
    quote,
    time: Number(message.timestamp),
    state: "sent" as const,
  });
}
