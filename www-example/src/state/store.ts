// All that is shown. Views read it and are told when it changes.

import type { ChannelInfo } from "../session.ts";
import { ChannelLog } from "./log.ts";
import { loadDraft, saveDraft } from "./drafts.ts";
import type { Connection, Draft, Entry } from "./types.ts";

export interface Channel extends ChannelInfo {
  log: ChannelLog;
  unread: number;
  /** Where reading goes on: the first message that came unseen. */
  firstUnread?: string;
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
      unread: 0,
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
    delete this.#active.firstUnread;
    this.#active = channel;
    this.seen();
    this.changed();
  }

  /** A message of someone else came: it is unread unless it is being looked at. */
  arrived(channel: Channel, entry: Entry): void {
    if (entry.own || (channel === this.#active && !document.hidden)) return;
    if (channel.unread++ === 0) channel.firstUnread = entry.key;
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
