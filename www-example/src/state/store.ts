// All that is shown. Views read it, and are called when it changes.

import type { ChannelInfo } from "../session.ts";
import { ChannelLog } from "./log.ts";
import { loadDraft, saveDraft } from "./drafts.ts";
import { Reading } from "./reading.ts";
import type { Connection, Draft, Load, Place, StoredEntry } from "./types.ts";

export interface Channel extends ChannelInfo {
  log: ChannelLog;
  /** What is on its way: a new window, or a page at one of its sides. */
  loads: { window: Load; older: Load; newer: Load };
  place: Place;
  reading: Reading;
  /** Messages that came while something else was in view. */
  unread: number;
  /** Messages that came below where one reads. */
  below: number;
  draft: Draft;
  /** The token no longer lets this user read it. */
  forbidden: boolean;
}

export class Store {
  readonly userId: string;
  readonly channels: Channel[];
  connection: Connection = { state: "connecting" };
  /** Whether the browser keeps what is unsent when the page ends. */
  kept = true;
  /** Why the channels' events do not come, if they do not. */
  subscribeError?: string;
  #active: Channel;
  #listener: () => void = () => undefined;

  constructor(userId: string, channels: readonly ChannelInfo[]) {
    this.userId = userId;
    this.channels = channels.map((info) => ({
      ...info,
      log: new ChannelLog(userId),
      loads: { window: { state: "idle" }, older: { state: "idle" }, newer: { state: "idle" } },
      place: { kind: "end" },
      reading: new Reading(localStorage, userId, info.id),
      unread: 0,
      below: 0,
      draft: loadDraft(info.id),
      forbidden: false,
    }));
    const [first] = this.channels;
    if (!first) throw new Error("The server named no channels.");
    this.#active = first;
  }

  get active(): Channel {
    return this.#active;
  }

  /** Whether signing out would lose something. */
  get unsent(): boolean {
    return this.channels.some(({ log }) => log.unsent);
  }

  /** Whether leaving the page would: what has failed, and what waits in memory only. */
  get fleeting(): boolean {
    return this.channels.some(({ log }) => log.failed || (log.unsent && !this.kept));
  }

  channel(id: string): Channel | undefined {
    return this.channels.find((channel) => channel.id === id);
  }

  open(id: string): void {
    const channel = this.channel(id);
    if (!channel || channel === this.#active) return;
    this.#active = channel;
    this.reached(channel);
    this.seen();
    this.changed();
  }

  /** A message came. */
  arrived(channel: Channel, entry: StoredEntry): void {
    const viewed = channel === this.#active && !document.hidden;
    const seen = viewed && channel.place.kind === "end";
    channel.reading.arrived(entry.seq, seen || entry.own);
    if (entry.own || seen) return;
    if (channel.place.kind !== "end") channel.below++;
    if (!viewed) channel.unread++;
  }

  /** A channel's newest message is known: the reading position can be determined. */
  reached(channel: Channel): void {
    const { log, reading } = channel;
    if (channel === this.#active && log.atPresent && log.newest) reading.begin(log.newest.seq);
  }

  /** Someone reads here; `read` is the newest message in view. */
  moved(channel: Channel, place: Place, read: number | undefined): void {
    channel.place = place;
    if (read !== undefined && !document.hidden) channel.reading.read(read);
    if (place.kind === "end") channel.below = 0;
  }

  /** The open channel is in front of its reader. */
  seen(): void {
    if (document.hidden || this.#active.unread === 0) return;
    this.#active.unread = 0;
    this.changed();
  }

  setDraft(draft: Draft): void {
    this.#active.draft = draft;
    saveDraft(this.#active.id, draft);
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  changed(): void {
    this.#listener();
  }
}
