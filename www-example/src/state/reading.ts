// How far someone has read in a channel, and the line after which messages are new to them.

/** The part of `Storage` that is needed. */
export interface ReadingStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export class Reading {
  readonly #storage: ReadingStorage;
  readonly #key: string;
  #read: number | undefined;
  #line: number | undefined;
  #newest = 0;

  constructor(storage: ReadingStorage, userId: string, channelId: string) {
    this.#storage = storage;
    this.#key = `alo-example.read.${JSON.stringify([userId, channelId])}`;
    this.#read = parsed(storage.getItem(this.#key));
  }

  /** Messages with a greater `seq` are below the line. */
  get line(): number | undefined {
    return this.#line;
  }

  /** The channel comes into view; `newest` is its newest message's `seq`. */
  begin(newest: number): void {
    this.#newest = newest;
    // A log that was replaced by an older copy counts from there.
    if (this.#read !== undefined && this.#read > newest) this.#keep(newest);
    if (this.#read !== undefined) this.#line = this.#read < newest ? this.#read : undefined;
  }

  /** A message came; `seen` is whether it came before the reader's eyes. */
  arrived(seq: number, seen: boolean): void {
    if (seen) this.read(seq);
    // The first of those that were missed; a line above what has been read since is an old one.
    else if (this.#line === undefined || (this.#read ?? 0) >= this.#newest) this.#line = seq - 1;
    this.#newest = Math.max(this.#newest, seq);
  }

  /** Everything up to here has been in view. */
  read(seq: number): void {
    if (this.#read === undefined || seq > this.#read) this.#keep(seq);
  }

  /** Who answers has seen what was new. */
  answered(): void {
    this.#line = undefined;
  }

  #keep(seq: number): void {
    this.#read = seq;
    try {
      this.#storage.setItem(this.#key, String(seq));
    } catch {
      // The storage is full or forbidden: it is known until the page ends.
    }
  }
}

function parsed(text: string | null): number | undefined {
  const seq = Number(text ?? Number.NaN);
  return Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
}
