// Loads what was written before: the newest page, older and newer ones, and what surrounds a message.

import type { AloChat, ErrorData } from "alo-chat";

import type { Channel } from "../state/store.ts";
import type { Load, Place } from "../state/types.ts";
import type { Edge, Side } from "../state/window.ts";

/** Messages of a page. */
const PAGE = 100;

/** The part of the SDK that is needed. */
export type HistorySource = Pick<AloChat, "fetchHistory" | "fetchHistoryAround">;

/** What the window of a channel is opened at. */
type Target = { kind: "newest" } | { kind: "around"; messageId: string };
type Part = Side | "window";

/** One channel's loads: each part at most once at a time. */
interface Running {
  aborts: Map<Part, AbortController>;
  target: Target;
}

export class HistoryLoader {
  readonly #source: HistorySource;
  readonly #changed: () => void;
  /** A window was opened or reached the present. */
  readonly #opened: (channel: Channel) => void;
  readonly #running = new Map<Channel, Running>();

  constructor(source: HistorySource, changed: () => void, opened: (channel: Channel) => void) {
    this.#source = source;
    this.#changed = changed;
    this.#opened = opened;
  }

  /** Loads the newest messages, unless some are there or on their way. */
  open(channel: Channel): void {
    if (!channel.log.opened && channel.loads.window.state === "idle") void this.#window(channel, { kind: "newest" });
  }

  /** Loads the next page of a side; nothing while one is on its way, or after one has failed. */
  extend(channel: Channel, side: Side): void {
    const edge = channel.log.edge(side);
    if (!edge || edge.kind === "end" || channel.loads[side].state !== "idle") return;
    void this.#side(channel, side, edge);
  }

  /** Makes a message part of what is loaded; resolves to whether it is. */
  async goTo(channel: Channel, messageId: string): Promise<boolean> {
    if (channel.log.find(messageId)) return true;
    return (await this.#window(channel, { kind: "around", messageId })) && channel.log.find(messageId) !== undefined;
  }

  /** Makes the newest messages part of what is loaded; resolves to whether they are. */
  async present(channel: Channel): Promise<boolean> {
    return channel.log.atPresent || (await this.#window(channel, { kind: "newest" }));
  }

  /** Retries loading the list, or what continues at its ends. */
  retry(channel: Channel): void {
    const { loads, log } = channel;
    if (loads.window.state === "failed" && !log.opened) {
      void this.#window(channel, this.#of(channel).target);
      return;
    }
    for (const side of ["older", "newer"] as const) {
      const load = loads[side];
      if (load.state !== "failed") continue;
      loads[side] = { state: "idle" };
      // The message that the edge was known by may be gone.
      if (load.error.retryable) this.extend(channel, side);
      else void this.#window(channel, targetOf(channel.place));
    }
  }

  /** Tries again everywhere what may succeed now. */
  connected(): void {
    for (const channel of this.#running.keys()) {
      const { window, older, newer } = channel.loads;
      // A way elsewhere that failed is its reader's to try again: they read something else now.
      if (channel.log.opened ? failedForNow(older) || failedForNow(newer) : failedForNow(window)) this.retry(channel);
    }
  }

  /** What has failed need not be shown any more. */
  dismiss(channel: Channel): void {
    channel.loads.window = { state: "idle" };
    this.#changed();
  }

  /** Events are missing: loads the same place again. */
  gap(channel: Channel): void {
    const wanted = channel.log.opened || channel.loads.window.state !== "idle";
    channel.log.gap();
    this.stop(channel);
    if (wanted) void this.#window(channel, targetOf(channel.place));
  }

  /** Ends what is on its way for a channel. */
  stop(channel: Channel): void {
    const { aborts } = this.#of(channel);
    for (const abort of aborts.values()) abort.abort();
    aborts.clear();
    channel.loads = { window: { state: "idle" }, older: { state: "idle" }, newer: { state: "idle" } };
  }

  async #window(channel: Channel, target: Target): Promise<boolean> {
    this.#of(channel).target = target;
    const channelId = channel.id;
    const loaded = await this.#load(channel, "window", (signal) => {
      switch (target.kind) {
        case "newest":
          return this.#source.fetchHistory({ channelId, limit: PAGE, signal });
        case "around":
          return this.#source.fetchHistoryAround({ channelId, messageId: target.messageId, limit: PAGE / 2, signal });
      }
    });
    if (loaded.kind === "stopped") return false;
    if (loaded.kind === "failed") {
      // After a gap the place itself may be gone.
      if (!channel.log.opened && target.kind === "around" && !loaded.error.retryable) {
        return this.#window(channel, { kind: "newest" });
      }
      this.#changed();
      return false;
    }
    this.stop(channel);
    channel.log.open(loaded.page);
    this.#opened(channel);
    this.#changed();
    return true;
  }

  async #side(channel: Channel, side: Side, edge: Edge): Promise<void> {
    const channelId = channel.id;
    const loaded = await this.#load(channel, side, (signal) => {
      switch (edge.kind) {
        case "token": {
          const token = side === "older" ? { olderPageToken: edge.token } : { newerPageToken: edge.token };
          return this.#source.fetchHistory({ channelId, limit: PAGE, signal, ...token });
        }
        case "around":
          return this.#source.fetchHistoryAround({ channelId, messageId: edge.messageId, limit: PAGE, signal });
        case "end":
          throw new Error("nothing is beyond this edge");
      }
    });
    if (loaded.kind === "page") {
      channel.log.extend(side, edge, loaded.page, channel.place);
      if (channel.log.atPresent) this.#opened(channel);
    }
    if (loaded.kind !== "stopped") this.#changed();
  }

  async #load(
    channel: Channel,
    part: Part,
    fetch: (signal: AbortSignal) => ReturnType<HistorySource["fetchHistory"]>,
  ): Promise<Loaded> {
    const { aborts } = this.#of(channel);
    aborts.get(part)?.abort();
    const abort = new AbortController();
    aborts.set(part, abort);
    channel.loads[part] = { state: "loading" };
    this.#changed();
    const { status, response } = await fetch(abort.signal);
    if (aborts.get(part) !== abort) return { kind: "stopped" };
    aborts.delete(part);
    channel.loads[part] = status.error ? { state: "failed", error: status.errorData } : { state: "idle" };
    return status.error ? { kind: "failed", error: status.errorData } : { kind: "page", page: response };
  }

  #of(channel: Channel): Running {
    let running = this.#running.get(channel);
    if (!running) this.#running.set(channel, (running = { aborts: new Map(), target: { kind: "newest" } }));
    return running;
  }
}

type Loaded =
  | { kind: "page"; page: Parameters<Channel["log"]["open"]>[0] }
  | { kind: "failed"; error: ErrorData }
  /** Something else was loaded instead. */
  | { kind: "stopped" };

function failedForNow(load: Load): boolean {
  return load.state === "failed" && load.error.retryable;
}

function targetOf(place: Place): Target {
  return place.kind === "end" ? { kind: "newest" } : { kind: "around", messageId: place.id };
}
