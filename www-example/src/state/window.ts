// A run of a channel's messages without holes: loaded page by page at both ends, followed by live events
// while it reaches the present, and cut out of view.

export interface Stored {
  id: string;
  /** Its place in the channel's log. */
  seq: number;
}

/** What a load returns. */
export interface Page<T> {
  /** From the newest to the oldest. */
  messages: readonly T[];
  olderPageToken?: string;
  newerPageToken?: string;
  /** The page reflects every event up to this one and none after it. */
  cursor: { seq: number };
}

/** How the window continues at one of its ends. */
export type Edge =
  /** It does not: the channel's beginning, or the present. */
  | { kind: "end" }
  | { kind: "token"; token: string }
  /** Cut where no page ended: what surrounds this message overlaps with the window. */
  | { kind: "around"; messageId: string };

export type Side = "older" | "newer";

/** Messages that came past the end of a window; more than these are loaded again when they are wanted. */
const AHEAD = 200;
/** Rather than cutting anywhere, up to so many more are cut, so that a token is available. */
export const SLACK = 200;

export class MessageWindow<T extends Stored> {
  #items: T[] = [];
  #edges: Record<Side, Edge> | undefined;
  /** Tokens of pages, by the message at which they continue. */
  readonly #tokens: Record<Side, Map<string, string>> = { older: new Map(), newer: new Map() };
  /** Live messages newer than the window, which does not reach the present. */
  #ahead: T[] = [];
  /** Messages up to here have been received and are neither in the window nor ahead of it. */
  #forgotten = 0;

  /** From the oldest to the newest. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** `undefined` until a page has opened the window. */
  get edges(): Readonly<Record<Side, Edge>> | undefined {
    return this.#edges;
  }

  /** Whether live messages are added to it. */
  get atPresent(): boolean {
    return this.#edges?.newer.kind === "end";
  }

  /** A message that is held, be it in the window or ahead of it. */
  find(id: string): T | undefined {
    return this.#items.find((item) => item.id === id) ?? this.#ahead.find((item) => item.id === id);
  }

  /** Starts over with this page. */
  open(page: Page<T>): void {
    // What has come since the page was read may be needed to follow it.
    const later = this.atPresent ? this.#items.filter(({ seq }) => seq > page.cursor.seq) : [];
    this.#reset();
    for (const item of later) this.#wait(item);
    this.#edges = { older: { kind: "end" }, newer: { kind: "end" } };
    this.#join(page);
  }

  /** Continues at one end, with the page loaded for that edge. */
  extend(side: Side, loadedFor: Edge, page: Page<T>): boolean {
    // Cut, opened again or extended since: the page may not be adjacent any more.
    if (!this.#edges || this.#edges[side] !== loadedFor) return false;
    // An edge that is not replaced by the page's own has nothing beyond it.
    if (page.messages.length === 0) this.#edges[side] = edgeOf(side, page);
    this.#join(page);
    return true;
  }

  /** A live message; returns whether it was added to the window. */
  receive(item: T): boolean {
    const [oldest, newest] = [this.#items[0], this.#items.at(-1)];
    if (this.atPresent) {
      // Older than the window: it comes with an older page.
      const below = this.#edges?.older.kind !== "end" && oldest !== undefined && item.seq < oldest.seq;
      return !below && insertInto(this.#items, item);
    }
    if (!newest || item.seq > newest.seq) this.#wait(item);
    return false;
  }

  /** A message is not there any more, in the window or ahead of it. */
  remove(id: string): void {
    const stays = (item: T) => item.id !== id;
    this.#items = this.#items.filter(stays);
    this.#ahead = this.#ahead.filter(stays);
    const edges = this.#edges;
    if (!edges) return;
    for (const side of ["older", "newer"] as const) {
      const edge = edges[side];
      if (edge.kind !== "around" || edge.messageId !== id) continue;
      const outermost = side === "older" ? this.#items[0] : this.#items.at(-1);
      // Nothing is left to continue from.
      if (!outermost) return this.clear();
      edges[side] = { kind: "around", messageId: outermost.id };
    }
  }

  /** Cuts one side down to about `max` messages; returns what was cut. */
  trim(side: Side, max: number): readonly T[] {
    const excess = this.#items.length - max;
    if (excess <= 0 || !this.#edges) return [];
    const cut = this.#cutAt(side, excess);
    const removed = side === "older" ? this.#items.splice(0, cut) : this.#items.splice(this.#items.length - cut);
    const outermost = side === "older" ? this.#items[0] : this.#items.at(-1);
    if (!outermost) return removed;
    const token = this.#tokens[side].get(outermost.id);
    this.#edges[side] = token === undefined ? { kind: "around", messageId: outermost.id } : { kind: "token", token };
    for (const { id } of removed) {
      this.#tokens.older.delete(id);
      this.#tokens.newer.delete(id);
    }
    if (side === "newer") this.#forgotten = Math.max(this.#forgotten, ...removed.map(({ seq }) => seq));
    return removed;
  }

  /** Events are missing: what is loaded may have gaps. */
  clear(): void {
    this.#reset();
    this.#edges = undefined;
    this.#ahead = [];
    this.#forgotten = 0;
  }

  /** Keeps a live message until the window comes up to it. */
  #wait(item: T): void {
    insertInto(this.#ahead, item);
    const [lost] = this.#ahead.splice(0, this.#ahead.length - AHEAD).slice(-1);
    if (lost) this.#forgotten = Math.max(this.#forgotten, lost.seq);
  }

  #reset(): void {
    this.#items = [];
    this.#tokens.older.clear();
    this.#tokens.newer.clear();
  }

  #join(page: Page<T>): void {
    const edges = this.#edges;
    const pageNewest = page.messages[0];
    const pageOldest = page.messages.at(-1);
    if (!edges) return;
    if (pageNewest && pageOldest) {
      const [oldest, newest] = [this.#items[0], this.#items.at(-1)];
      if (page.olderPageToken !== undefined) this.#tokens.older.set(pageOldest.id, page.olderPageToken);
      if (page.newerPageToken !== undefined) this.#tokens.newer.set(pageNewest.id, page.newerPageToken);
      if (!oldest || pageOldest.seq <= oldest.seq) edges.older = edgeOf("older", page);
      // A window that follows live events knows more than a page that was read before them.
      const further = !newest || pageNewest.seq > newest.seq;
      if (further || (pageNewest.id === newest.id && edges.newer.kind !== "end")) edges.newer = edgeOf("newer", page);
      for (const item of page.messages) insertInto(this.#items, item);
    }
    if (edges.newer.kind === "end") this.#catchUp(page.cursor.seq);
  }

  /** The page ended the window at the present as of `seq`; what has come since must follow. */
  #catchUp(seq: number): void {
    const newest = this.#items.at(-1);
    const [first] = this.#ahead;
    // What is missing lies between the page and what came last.
    if (this.#edges && this.#forgotten > seq) {
      if (newest) {
        this.#edges.newer = { kind: "around", messageId: newest.id };
        return;
      }
      if (first) this.#edges.older = { kind: "around", messageId: first.id };
    }
    for (const item of this.#ahead) if (item.seq > (newest?.seq ?? 0)) insertInto(this.#items, item);
    this.#ahead = [];
  }

  /** How many to cut: `excess`, or some more if a page ended near. */
  #cutAt(side: Side, excess: number): number {
    const most = Math.min(excess + SLACK, this.#items.length - 1);
    for (let cut = excess; cut <= most; cut++) {
      const outermost = this.#items[side === "older" ? cut : this.#items.length - 1 - cut];
      if (outermost && this.#tokens[side].has(outermost.id)) return cut;
    }
    return Math.min(excess, this.#items.length - 1);
  }
}

function edgeOf(side: Side, page: Page<unknown>): Edge {
  const token = side === "older" ? page.olderPageToken : page.newerPageToken;
  return token === undefined ? { kind: "end" } : { kind: "token", token };
}

/** Puts an item at its place, unless it is there. */
function insertInto<T extends Stored>(items: T[], item: T): boolean {
  let at = items.length;
  // From the end: live messages and newer pages belong there.
  while (at > 0 && (items[at - 1] as T).seq > item.seq) at--;
  if (items[at - 1]?.id === item.id) return false;
  items.splice(at, 0, item);
  return true;
}
