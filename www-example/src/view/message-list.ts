// The messages of the open channel: grouped by day and author, and held at the end while it is read there.

import type { Channel } from "../state/store.ts";
import type { Entry, Gap, Row } from "../state/types.ts";
import type { Context } from "./context.ts";
import { h, reconcile, setText } from "./dom.ts";
import { emptyState } from "./empty.ts";
import { dayOf, formatDay } from "./format.ts";
import { icon } from "./icons.ts";
import { MessageView } from "./message.ts";

/** Messages of one author within this time stand together. */
const GROUP_MS = 5 * 60_000;
/** So near to the end counts as being there. */
const END_PX = 60;

export class MessageList {
  readonly element: HTMLElement;
  readonly #context: Context;
  readonly #list = h("ol", { class: "messages" });
  readonly #scroller: HTMLElement;
  readonly #latest: HTMLButtonElement;
  readonly #latestText = h("span");
  readonly #views = new Map<string, MessageView>();
  readonly #marks = new Map<string, HTMLLIElement>();
  #channel?: Channel;
  #empty?: HTMLElement;
  #atEnd = true;
  #lastTop = 0;
  #lastOwn?: string;
  #unseen = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#scroller = h("div", { class: "scroller", role: "log", tabindex: 0, "aria-label": "Messages" }, this.#list);
    this.#latest = h("button", { type: "button", class: "latest", hidden: true }, icon("down"), this.#latestText);
    this.#latest.addEventListener("click", () => this.toEnd());
    this.element = h("div", { class: "list" }, this.#scroller, this.#latest);
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Images that load and a composer that grows must not push the end out of sight.
    const resized = new ResizeObserver(() => this.#hold());
    resized.observe(this.#list);
    resized.observe(this.#scroller);
  }

  render(): void {
    const channel = this.#context.store.active;
    const opened = channel !== this.#channel;
    if (opened) this.#open(channel);
    const rows = channel.log.rows();
    const known = this.#views.size;
    reconcile(this.#list, this.#elements(channel, rows));
    this.#showEmpty(rows.length === 0 ? channel : undefined);
    const own = rows.findLast((row) => row.kind === "message" && row.own)?.key;
    // What one sends is shown, wherever one was reading.
    if (!opened && own !== this.#lastOwn && this.#views.size > known) this.#atEnd = true;
    else if (!opened && !this.#atEnd) this.#unseen += Math.max(0, this.#views.size - known);
    this.#lastOwn = own;
    this.#hold();
    this.#showLatest();
  }

  jump(messageId: string): void {
    const entry = this.#channel?.log.find(messageId);
    const target = entry && this.#views.get(entry.key)?.element;
    if (!target) return this.#context.announce("That message came before you joined.");
    this.#atEnd = false;
    target.scrollIntoView({ block: "center" });
    // Reading goes on there. It takes focus this once only: a click on a message must not.
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.addEventListener("blur", () => target.removeAttribute("tabindex"), { once: true });
    target.classList.remove("found");
    // Read, so that the animation starts over.
    void target.offsetWidth;
    target.classList.add("found");
  }

  toEnd(): void {
    this.#atEnd = true;
    this.#hold();
    this.#showLatest();
  }

  #open(channel: Channel): void {
    this.#channel = channel;
    for (const view of this.#views.values()) view.destroy();
    this.#views.clear();
    this.#marks.clear();
    this.#atEnd = true;
    this.#unseen = 0;
    // A whole channel is not news.
    this.#scroller.setAttribute("aria-busy", "true");
    setTimeout(() => this.#scroller.removeAttribute("aria-busy"), 200);
  }

  #elements(channel: Channel, rows: readonly Row[]): HTMLLIElement[] {
    const wanted: HTMLLIElement[] = [];
    const used = new Set<string>();
    let before: Entry | undefined;
    for (const row of rows) {
      if (row.kind === "gap") {
        wanted.push(this.#mark(row.key, () => gapMark(row)));
        before = undefined;
        continue;
      }
      const newDay = !before || dayOf(before.time) !== dayOf(row.time);
      if (newDay) wanted.push(this.#mark(`day-${dayOf(row.time)}-${row.key}`, () => dayMark(row.time)));
      const firstUnread = row.key === channel.firstUnread;
      if (firstUnread) wanted.push(this.#mark(`unread-${row.key}`, unreadMark));
      const view = this.#view(row);
      const near = before?.userId === row.userId && row.time - before.time < GROUP_MS;
      view.continues(near && !newDay && !firstUnread && !row.quote);
      wanted.push(view.element);
      used.add(row.key);
      before = row;
    }
    for (const [key, view] of this.#views) {
      if (used.has(key)) continue;
      view.destroy();
      this.#views.delete(key);
    }
    return wanted;
  }

  #view(entry: Entry): MessageView {
    const known = this.#views.get(entry.key);
    known?.update();
    const view = known ?? new MessageView(this.#context, entry);
    this.#views.set(entry.key, view);
    return view;
  }

  #mark(key: string, make: () => HTMLLIElement): HTMLLIElement {
    const mark = this.#marks.get(key) ?? make();
    this.#marks.set(key, mark);
    return mark;
  }

  #showEmpty(channel: Channel | undefined): void {
    this.#empty?.remove();
    this.#empty = channel && emptyState(channel);
    if (this.#empty) this.#scroller.prepend(this.#empty);
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const near = scrollHeight - scrollTop - clientHeight < END_PX;
    // Only going up leaves the end; growing content does not.
    if (near) this.#atEnd = true;
    else if (scrollTop < this.#lastTop) this.#atEnd = false;
    this.#lastTop = scrollTop;
    this.#showLatest();
  }

  #hold(): void {
    if (!this.#atEnd) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#lastTop = this.#scroller.scrollTop;
  }

  #showLatest(): void {
    if (this.#atEnd) this.#unseen = 0;
    this.#latest.hidden = this.#atEnd;
    const text = this.#unseen === 1 ? "1 new message" : `${this.#unseen} new messages`;
    setText(this.#latestText, this.#unseen > 0 ? text : "Latest");
  }
}

const separator = (kind: string, text: string) => h("li", { class: `mark ${kind}` }, h("span", {}, text));
const dayMark = (time: number) => separator("day", formatDay(time));
const unreadMark = () => separator("unread", "New");

function gapMark({ reason }: Gap): HTMLLIElement {
  const text =
    reason === "forbidden"
      ? "You can no longer read this channel."
      : "Some messages are missing here: you were away for too long.";
  return separator("gap", text);
}
