// One message of the list can be reached by the Tab key, with what is in it; arrows lead to the others.

import type { Row } from "../state/rows.ts";
import type { MessageView } from "./message.ts";
import type { VirtualList } from "./virtual-list.ts";

export class Roving {
  readonly #list: VirtualList<Row>;
  readonly #view: (key: string) => MessageView | undefined;
  #current: string | undefined;

  constructor(list: VirtualList<Row>, view: (key: string) => MessageView | undefined) {
    this.#list = list;
    this.#view = view;
  }

  clear(): void {
    this.#current = undefined;
  }

  /** These are in view: the lowest is reached first, unless one of them was used before. */
  seen(keys: readonly string[]): void {
    const current = this.#current;
    if (current !== undefined && keys.includes(current)) return this.#view(current)?.reachable(true);
    if (current !== undefined && this.#view(current)?.element.contains(document.activeElement)) return;
    const lowest = keys.at(-1);
    if (lowest !== undefined) this.#choose(lowest);
  }

  /** Moves the focus to a message that is an element. */
  focus(key: string): void {
    this.#choose(key);
    this.#view(key)?.element.focus({ preventScroll: true });
  }

  /** Takes the arrow keys within a message; returns whether it was one. */
  pressed(event: KeyboardEvent, rows: readonly Row[]): boolean {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const at = rows.findIndex(({ key }) => this.#view(key)?.element.contains(document.activeElement));
    if (step === undefined || at < 0) return false;
    let next = at + step;
    while (rows[next] && rows[next]?.kind !== "message") next += step;
    const key = rows[next]?.key;
    // The list's own rows are around those in view: a neighbour is an element.
    const edges = key === undefined ? undefined : this.#list.edges(key);
    if (key === undefined || !edges) return true;
    this.focus(key);
    const out = Math.min(0, edges.top) || Math.max(0, edges.bottom - this.#list.viewport);
    if (out !== 0) this.#list.scrollBy(out);
    return true;
  }

  #choose(key: string): void {
    if (this.#current !== undefined && this.#current !== key) this.#view(this.#current)?.reachable(false);
    this.#current = key;
    this.#view(key)?.reachable(true);
  }
}
