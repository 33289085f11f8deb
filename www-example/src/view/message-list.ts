// The messages of the open channel, from the newest to the first ever written: those near the reader's eyes.

import type { Channel } from "../state/store.ts";
import { rowsOf } from "../state/rows.ts";
import type { Row } from "../state/rows.ts";
import type { Place } from "../state/types.ts";
import type { Context } from "./context.ts";
import { h } from "./dom.ts";
import { emptyState } from "./empty.ts";
import { formatDay } from "./format.ts";
import { HistoryEdge } from "./history-edge.ts";
import type { EdgeState } from "./history-edge.ts";
import { MessageView } from "./message.ts";
import { News } from "./news.ts";
import { PresentButton } from "./present-button.ts";
import { Roving } from "./roving.ts";
import { VirtualList } from "./virtual-list.ts";
import type { Anchor } from "./virtual-list.ts";

/** So many rows before the loaded ones end, the next page is loaded. */
const AHEAD = 40;

export class MessageList {
  readonly element: HTMLElement;
  readonly #context: Context;
  readonly #list = h("ol", { class: "messages" });
  readonly #scroller: HTMLElement;
  readonly #virtual: VirtualList<Row>;
  readonly #present: PresentButton;
  readonly #roving: Roving;
  readonly #news: News;
  readonly #older: HistoryEdge;
  readonly #newer: HistoryEdge;
  readonly #views = new Map<string, MessageView>();
  readonly #marks = new Map<string, HTMLLIElement>();
  #rows: readonly Row[] = [];
  #channel?: Channel;
  #empty?: HTMLElement;
  /** What the list has reported; another one in the store is where it is asked to go. */
  #place?: Place;
  #waited = false;
  /** The message one is on the way to; none is the present. */
  #wanted?: string;

  constructor(context: Context) {
    this.#context = context;
    const retry = () => this.#channel && context.conversation.history.retry(this.#channel);
    this.#older = new HistoryEdge("history-older", retry);
    this.#newer = new HistoryEdge("history-newer", retry);
    this.#present = new PresentButton(
      () => void this.toPresent(),
      () => void (this.#wanted === undefined ? this.toPresent() : this.jump(this.#wanted)),
      () => this.#channel && context.conversation.history.dismiss(this.#channel),
    );
    // It is a log, but what scrolling adds to it is no news: those are announced.
    this.#scroller = h(
      "div",
      { class: "scroller", role: "log", "aria-live": "off", tabindex: 0, "aria-label": "Messages" },
      this.#list,
    );
    this.#virtual = new VirtualList<Row>({
      scroller: this.#scroller,
      list: this.#list,
      mount: (row) => this.#mount(row),
      unmount: (row) => this.#unmount(row),
      steady: (row) => row.kind === "message" && row.entry.id !== undefined,
      complete: () => !this.#channel?.log.opened || this.#channel.log.atPresent,
      moved: () => this.#moved(),
    });
    this.#roving = new Roving(this.#virtual, (key) => this.#views.get(key));
    this.#news = new News(context);
    this.element = h("div", { class: "list" }, this.#scroller, this.#present.element);
    this.#scroller.addEventListener("keydown", (event) => this.#pressed(event));
  }

  render(): void {
    const channel = this.#context.store.active;
    const opened = channel !== this.#channel;
    if (opened) this.#open(channel);
    const { log, reading, forbidden, loads } = channel;
    const entries = log.rows();
    this.#rows = rowsOf({
      entries,
      line: reading.line,
      fromBeginning: log.edge("older")?.kind === "end",
      atPresent: log.atPresent || !log.opened,
      forbidden,
    });
    this.#older.render(this.#olderState(channel, entries.length > 0));
    this.#newer.render(newerState(channel));
    for (const row of this.#rows) if (row.kind === "message") this.#views.get(row.key)?.update(row.continued);
    this.#showEmpty(log.opened && entries.length === 0 ? channel : undefined);
    this.#scroller.setAttribute("aria-busy", String(loads.window.state === "loading"));
    this.#virtual.show(this.#rows, channel.place === this.#place ? undefined : this.#anchorOf(channel.place));
    this.#place = channel.place;
    this.#moved();
    this.#news.render(channel);
  }

  /** Goes to a message, loaded or not. */
  async jump(messageId: string): Promise<void> {
    const { store, conversation, announce } = this.#context;
    const channel = store.active;
    this.#wanted = messageId;
    if (!channel.log.find(messageId)) announce("Loading that message");
    const found = await conversation.history.goTo(channel, messageId);
    if (channel !== store.active) return;
    this.render();
    const entry = channel.log.find(messageId);
    const { window: load } = channel.loads;
    if (!found || !entry) return load.state === "failed" ? announce(failureOf(channel)) : undefined;
    this.#center(entry.key);
    // Twice: how high it is was only supposed.
    this.#center(entry.key);
    this.#roving.focus(entry.key);
    this.#views.get(entry.key)?.mark();
  }

  /** Goes to the newest message. */
  async toPresent(): Promise<void> {
    const { store, conversation } = this.#context;
    const channel = store.active;
    this.#wanted = undefined;
    if (!(await conversation.history.present(channel)) || channel !== store.active) return;
    // A button that goes away must not take the focus with it.
    if (this.#present.element.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true });
    this.render();
    this.#virtual.go({ kind: "end" });
  }

  #open(channel: Channel): void {
    this.#virtual.clear();
    for (const view of this.#views.values()) view.destroy();
    this.#views.clear();
    this.#marks.clear();
    this.#channel = channel;
    this.#place = undefined;
    this.#waited = false;
    this.#wanted = undefined;
    this.#roving.clear();
    this.#context.conversation.openHistory();
  }

  #mount(row: Row): HTMLElement {
    switch (row.kind) {
      case "message": {
        let view = this.#views.get(row.key);
        if (!view) {
          view = new MessageView(this.#context, row.entry);
          view.update(row.continued);
          this.#views.set(row.key, view);
        }
        return view.element;
      }
      case "day":
        return this.#mark(row.key, () => separator("day", formatDay(row.time)));
      case "unread":
        return this.#mark(row.key, () => separator("unread", "New messages"));
      case "forbidden":
        return this.#mark(row.key, () => separator("gap", "You can no longer read this channel."));
      case "older":
        return this.#older.element;
      case "newer":
        return this.#newer.element;
    }
  }

  #unmount(row: Row): void {
    this.#views.get(row.key)?.destroy();
    this.#views.delete(row.key);
    this.#marks.delete(row.key);
  }

  #mark(key: string, make: () => HTMLLIElement): HTMLLIElement {
    const mark = this.#marks.get(key) ?? make();
    this.#marks.set(key, mark);
    return mark;
  }

  #center(key: string): void {
    const row = this.#rows.find((other) => other.key === key);
    if (!row) return;
    const top = (this.#scroller.clientHeight - this.#virtual.height(row)) / 2;
    this.#virtual.go({ kind: "row", key, top: Math.max(0, top) });
  }

  /** The list is somewhere else, or other rows are there. */
  #moved(): void {
    const channel = this.#channel;
    // Asked to go elsewhere: that is about to be rendered.
    if (!channel || channel.place !== this.#place) return;
    const { store, conversation } = this.#context;
    const visible = this.#visible();
    const lowest = visible.at(-1);
    this.#place = this.#placeOf(this.#virtual.anchor) ?? channel.place;
    store.moved(channel, this.#place, lowest?.entry.seq);
    this.#roving.seen(visible.map(({ key }) => key));
    this.#present.render(channel);
    if (!channel.log.opened || channel.forbidden) return;
    const [start, end] = this.#virtual.range;
    if (start < AHEAD) conversation.history.extend(channel, "older");
    if (this.#rows.length - end < AHEAD) conversation.history.extend(channel, "newer");
    this.#sayWaiting(channel);
  }

  /** The messages in view, from top to bottom. */
  #visible(): (Row & { kind: "message" })[] {
    const { clientHeight } = this.#scroller;
    const [start, end] = this.#virtual.range;
    const visible: (Row & { kind: "message" })[] = [];
    for (const row of this.#rows.slice(start, end)) {
      if (row.kind !== "message") continue;
      const edges = this.#virtual.edges(row.key);
      if (edges && edges.bottom > 0 && edges.top < clientHeight) visible.push(row);
    }
    return visible;
  }

  /** Only those who see that they have to wait are interested. */
  #sayWaiting(channel: Channel): void {
    const edges = this.#virtual.edges("older");
    const waits = channel.loads.older.state === "loading" && edges !== undefined && edges.bottom > 0;
    if (waits && !this.#waited) this.#context.announce("Loading older messages");
    this.#waited = waits;
  }

  #anchorOf(place: Place): Anchor {
    const entry = place.kind === "message" ? this.#channel?.log.find(place.id) : undefined;
    return entry && place.kind === "message" ? { kind: "row", key: entry.key, top: place.top } : { kind: "end" };
  }

  #placeOf(anchor: Anchor): Place | undefined {
    if (anchor.kind === "end") return anchor;
    const row = this.#rows.find(({ key }) => key === anchor.key);
    if (row?.kind !== "message" || row.entry.id === undefined) return undefined;
    return { kind: "message", id: row.entry.id, top: anchor.top };
  }

  #olderState(channel: Channel, some: boolean): EdgeState {
    const { log, loads, name } = channel;
    if (!log.opened && !some) {
      if (loads.window.state === "failed") return { kind: "failed", text: "Not loaded", error: loads.window.error };
      const { state } = this.#context.store.connection;
      return state === "failed" ? { kind: "more" } : { kind: "loading", text: "Loading messages…" };
    }
    if (log.edge("older")?.kind === "end") return { kind: "beginning", channel: name };
    if (loads.older.state === "failed") {
      return { kind: "failed", text: "Older messages were not loaded", error: loads.older.error };
    }
    return loads.older.state === "loading" ? { kind: "loading", text: "Loading older messages…" } : { kind: "more" };
  }

  #showEmpty(channel: Channel | undefined): void {
    if (channel && this.#empty) return;
    this.#empty?.remove();
    this.#empty = channel && emptyState(channel);
    if (this.#empty) this.#scroller.prepend(this.#empty);
  }

  #pressed(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const page = this.#scroller.clientHeight * 0.9;
    switch (event.key) {
      case "PageUp":
        this.#virtual.scrollBy(-page);
        break;
      case "PageDown":
        this.#virtual.scrollBy(page);
        break;
      case "Home":
        this.#virtual.scrollBy(-this.#scroller.scrollTop);
        break;
      case "End":
        void this.toPresent();
        break;
      default:
        if (!this.#roving.pressed(event, this.#rows)) return;
    }
    event.preventDefault();
  }
}

function newerState({ loads }: Channel): EdgeState {
  if (loads.newer.state === "failed") {
    return { kind: "failed", text: "Newer messages were not loaded", error: loads.newer.error };
  }
  return loads.newer.state === "loading" ? { kind: "loading", text: "Loading newer messages…" } : { kind: "more" };
}

const failureOf = ({ loads: { window } }: Channel) => (window.state === "failed" ? window.error.message : "");

const separator = (kind: string, text: string) => h("li", { class: `mark ${kind}` }, h("span", {}, text));
