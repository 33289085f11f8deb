// A list of any length, of which only the rows in view and some around them are elements.
//
// It is the browser's own scrolling. Where rows are left out, the list has padding as high as they are, and
// the row in view is held at its place by hand whenever something above it changes: not every browser does
// that (`overflow-anchor`), and none across rows that are left out.

import { Heights } from "../state/heights.ts";
import type { Measurable } from "../state/heights.ts";
import { reconcile } from "./dom.ts";

/** Where the list is: it is held there while rows change. */
export type Anchor =
  | { kind: "end" }
  /** This row's upper edge is so many pixels below that of the list. */
  | { kind: "row"; key: string; top: number };

export interface VirtualListOptions<R extends Measurable> {
  scroller: HTMLElement;
  list: HTMLElement;
  /** The element of a row; the same one until `unmount`. */
  mount(row: R): HTMLElement;
  unmount(row: R): void;
  /** Whether a row may be held: it must outlive what comes before and after it. */
  steady(row: R): boolean;
  /** Whether the last row is the last there is. */
  complete(): boolean;
  /** Something was scrolled or laid out. */
  moved(): void;
}

/** Elements are kept for so many heights of the list above and below it. */
const MARGIN = 1;
/** So near to the end counts as being there. */
const END_PX = 60;
/** No scrolling for so long: it has ended. */
const IDLE_MS = 150;

export class VirtualList<R extends Measurable> {
  readonly #options: VirtualListOptions<R>;
  readonly #heights = new Heights();
  readonly #shown = new Map<string, { row: R; element: HTMLElement }>();
  readonly #resized: ResizeObserver;
  #rows: readonly R[] = [];
  #index = new Map<string, number>();
  #anchor: Anchor = { kind: "end" };
  #start = 0;
  #end = 0;
  #lastTop = 0;
  #viewport = 0;
  /** What the padding above is short of the rows left out there, while the list is being scrolled. */
  #debt = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(options: VirtualListOptions<R>) {
    this.#options = options;
    const { scroller } = options;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#resized = new ResizeObserver(() => {
      const resized = scroller.clientHeight !== this.#viewport;
      if (this.#measure() || resized) this.#layout(true);
    });
    this.#resized.observe(scroller);
  }

  get anchor(): Anchor {
    return this.#anchor;
  }

  /** How high the list is. */
  get viewport(): number {
    return this.#viewport;
  }

  /** The rows that are elements, as a range without its end. */
  get range(): readonly [number, number] {
    return [this.#start, this.#end];
  }

  /** Shows these rows, at `anchor` if there is one, else at the present position. */
  show(rows: readonly R[], anchor: Anchor = this.#anchor): void {
    this.#rows = rows;
    this.#index = new Map(rows.map(({ key }, index) => [key, index]));
    this.#heights.keep(rows);
    this.#anchor = anchor;
    this.#layout(true);
  }

  /** Scrolls to an anchor. */
  go(anchor: Anchor): void {
    this.#anchor = anchor;
    this.#settled();
    this.#layout(true);
    if (this.#anchor.kind === "row") this.#choose();
    if (this.#fromEnd() < 1 && this.#options.complete()) this.#anchor = { kind: "end" };
    this.#options.moved();
  }

  /** Scrolls by so many pixels at once. */
  scrollBy(pixels: number): void {
    this.#options.scroller.scrollTop += pixels;
    this.#scrolled();
  }

  element(key: string): HTMLElement | undefined {
    return this.#shown.get(key)?.element;
  }

  /** The upper and lower edge of a row that is an element, in pixels below the list's upper edge. */
  edges(key: string): { top: number; bottom: number } | undefined {
    const element = this.#shown.get(key)?.element;
    if (!element) return undefined;
    const { top } = this.#options.scroller.getBoundingClientRect();
    const rect = element.getBoundingClientRect();
    return { top: rect.top - top, bottom: rect.bottom - top };
  }

  /** How high a row is, or is supposed to be. */
  height(row: R): number {
    return this.#heights.of(row);
  }

  /** Drops all elements. */
  clear(): void {
    this.#rows = [];
    this.#index.clear();
    this.#render(0, 0);
    this.#settled();
  }

  #scrolled(): void {
    const { scrollTop } = this.#options.scroller;
    const moved = scrollTop - this.#lastTop;
    if (moved === 0) return;
    this.#lastTop = scrollTop;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#rest(), IDLE_MS);
    if (this.#anchor.kind === "row") this.#anchor = { ...this.#anchor, top: this.#anchor.top - moved };
    const near = this.#fromEnd() < END_PX;
    // Only going up leaves the end; growing content does not.
    if (near && moved > 0 && this.#options.complete()) this.#anchor = { kind: "end" };
    else if (this.#anchor.kind === "end" && moved < 0 && !near) this.#choose();
    if (this.#anchor.kind === "row" && Math.abs(moved) > this.#viewport) this.#leap();
    this.#layout(this.#anchor.kind === "row");
    if (this.#anchor.kind === "row") this.#choose();
    this.#options.moved();
  }

  /** The scroll bar was dragged far away: what is there is known by supposed heights alone. */
  #leap(): void {
    const { list, scroller, steady } = this.#options;
    this.#debt = 0;
    let top = list.offsetTop - scroller.scrollTop;
    let last: Anchor | undefined;
    for (const row of this.#rows) {
      if (steady(row)) last = { kind: "row", key: row.key, top };
      if (last && top >= 0) break;
      top += this.#heights.of(row);
    }
    // Held from here on, however high the rows turn out to be.
    if (last) this.#anchor = last;
  }

  /** Scrolling has ended: the padding can be what it should be. */
  #rest(): void {
    this.#settled();
    if (this.#anchor.kind === "row") this.#layout(true);
  }

  #settled(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#debt = 0;
  }

  /** Makes elements of the rows in view, and holds the anchor at its place. */
  #layout(hold: boolean): void {
    const { clientHeight } = this.#options.scroller;
    this.#viewport = clientHeight;
    const margin = Math.max(300, MARGIN * clientHeight);
    // Heights become known only now: what is in view may be less than was supposed.
    for (let pass = 0; pass < 4; pass++) {
      const [index, top] = this.#position();
      const [start, end] = this.#heights.range(this.#rows, index, top, -margin, clientHeight + margin);
      this.#render(start, end);
      if (!this.#measure()) break;
    }
    this.#pad();
    if (hold) this.#hold();
    if (this.#anchor.kind === "row" && !this.#shown.has(this.#anchor.key)) this.#choose();
  }

  /** The row to lay out from, and where its upper edge is. */
  #position(): [number, number] {
    const anchor = this.#anchor;
    const index = anchor.kind === "row" ? this.#index.get(anchor.key) : undefined;
    if (anchor.kind === "row" && index !== undefined) return [index, anchor.top];
    const last = this.#rows[this.#rows.length - 1];
    const fromEnd = anchor.kind === "end" ? 0 : this.#fromEnd();
    return [Math.max(0, this.#rows.length - 1), this.#viewport + fromEnd - (last ? this.#heights.of(last) : 0)];
  }

  #fromEnd(): number {
    const { scrollTop, scrollHeight, clientHeight } = this.#options.scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #render(start: number, end: number): void {
    [this.#start, this.#end] = [start, end];
    const { list, scroller, mount, unmount } = this.#options;
    const rows = this.#rows.slice(start, end);
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, { row, element }] of this.#shown) {
      if (keys.has(key)) continue;
      // Whoever was in it would be nowhere.
      if (element.contains(document.activeElement)) scroller.focus({ preventScroll: true });
      this.#resized.unobserve(element);
      this.#shown.delete(key);
      unmount(row);
    }
    const elements = rows.map((row) => {
      const known = this.#shown.get(row.key)?.element;
      const element = mount(row);
      if (known !== element) this.#resized.observe(element);
      this.#shown.set(row.key, { row, element });
      return element;
    });
    reconcile(list, elements);
  }

  /** Returns whether a height is not what was supposed. */
  #measure(): boolean {
    let news = false;
    for (const { row, element } of this.#shown.values()) {
      news = this.#heights.set(row, element.getBoundingClientRect().height) || news;
    }
    return news;
  }

  #pad(): void {
    const { style } = this.#options.list;
    if (this.#start === 0) this.#debt = 0;
    const above = Math.max(0, this.#heights.between(this.#rows, 0, this.#start) - this.#debt);
    style.paddingTop = `${above}px`;
    style.paddingBottom = `${this.#heights.between(this.#rows, this.#end, this.#rows.length)}px`;
  }

  #hold(): void {
    const { scroller, list } = this.#options;
    const anchor = this.#anchor;
    if (anchor.kind === "end") {
      scroller.scrollTop = scroller.scrollHeight;
      this.#lastTop = scroller.scrollTop;
      return;
    }
    const edges = this.edges(anchor.key);
    // It was scrolled away from, or no longer exists.
    if (!edges) return;
    const off = edges.top - anchor.top;
    if (Math.abs(off) < 0.5) return;
    const above = Number.parseFloat(list.style.paddingTop) - off;
    // While a finger or a wheel scrolls, setting the position would stop it: the padding makes up for it.
    if (this.#idle && this.#start > 0 && above > scroller.clientHeight) {
      this.#debt += off;
      list.style.paddingTop = `${above}px`;
      return;
    }
    scroller.scrollTop += off;
    this.#lastTop = scroller.scrollTop;
  }

  /** Holds the first row that begins in view, as what is above it may grow. */
  #choose(): void {
    const { scroller, steady } = this.#options;
    const { top, height } = scroller.getBoundingClientRect();
    let cut: Anchor | undefined;
    for (let index = this.#start; index < this.#end; index++) {
      const row = this.#rows[index];
      const shown = row && this.#shown.get(row.key);
      if (!row || !shown || !steady(row)) continue;
      const at = shown.element.getBoundingClientRect().top - top;
      if (at >= height && cut) break;
      cut = { kind: "row", key: row.key, top: at };
      if (at >= 0) break;
    }
    if (cut) this.#anchor = cut;
  }
}
