// How high the rows of a long list are: measured where one has been shown, supposed elsewhere.

export interface Measurable {
  key: string;
  kind: string;
}

/** Supposed of a kind of which none has been measured. */
const SUPPOSED = 48;

export class Heights {
  readonly #measured = new Map<string, number>();
  readonly #kinds = new Map<string, { sum: number; count: number }>();

  of({ key, kind }: Measurable): number {
    return this.#measured.get(key) ?? this.#supposed(kind);
  }

  /** Returns whether that is news. */
  set({ key, kind }: Measurable, height: number): boolean {
    const before = this.#measured.get(key);
    if (before !== undefined && Math.abs(before - height) < 0.5) return false;
    this.#measured.set(key, height);
    const all = this.#kinds.get(kind) ?? { sum: 0, count: 0 };
    this.#kinds.set(kind, { sum: all.sum + height - (before ?? 0), count: all.count + (before === undefined ? 1 : 0) });
    return true;
  }

  /** Forgets the rows that are not among these. */
  keep(rows: readonly Measurable[]): void {
    if (this.#measured.size < 2 * rows.length + 100) return;
    const keys = new Set(rows.map(({ key }) => key));
    for (const key of this.#measured.keys()) if (!keys.has(key)) this.#measured.delete(key);
  }

  /** From the upper edge of row `from` to that of row `to`, which may be above it. */
  between(rows: readonly Measurable[], from: number, to: number): number {
    let sum = 0;
    for (const row of rows.slice(Math.min(from, to), Math.max(from, to))) sum += this.of(row);
    return from <= to ? sum : -sum;
  }

  /**
   * The rows that reach into a stretch, as a range without its end. Row `anchor` has its upper edge at `top`,
   * the stretch goes from `above` to `below`, all of them in the same measure.
   */
  range(rows: readonly Measurable[], anchor: number, top: number, above: number, below: number): [number, number] {
    let start = anchor;
    let edge = top;
    for (let row = rows[start - 1]; row && edge > above; row = rows[start - 1]) {
      edge -= this.of(row);
      start--;
    }
    // The anchor itself may be above the stretch.
    for (let row = rows[start]; row && start < rows.length - 1 && edge + this.of(row) < above; row = rows[start]) {
      edge += this.of(row);
      start++;
    }
    let end = start;
    for (let row = rows[end]; row && edge < below; row = rows[end]) {
      edge += this.of(row);
      end++;
    }
    return [start, end];
  }

  #supposed(kind: string): number {
    const all = this.#kinds.get(kind);
    return all ? all.sum / all.count : SUPPOSED;
  }
}
