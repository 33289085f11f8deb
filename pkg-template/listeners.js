/** Listeners for all events and for one type, called in the order they were added. */
export class Listeners {
  /** @type {{type: string | undefined, listener: Function, once: boolean, forget: () => void}[]} */
  #entries = [];

  add(type, listener, options = {}) {
    const [kind, fn] = checked(type, listener);
    const { signal, once = false } = (typeof type === "function" ? listener : options) ?? {};
    if (signal?.aborted || this.#entries.some((entry) => entry.type === kind && entry.listener === fn)) return;
    const onAbort = () => this.#drop(entry);
    const entry = { type: kind, listener: fn, once, forget: () => signal?.removeEventListener("abort", onAbort) };
    signal?.addEventListener("abort", onAbort);
    // A new array each time: a running dispatch continues with the one it started with.
    this.#entries = [...this.#entries, entry];
  }

  remove(type, listener) {
    const [kind, fn] = checked(type, listener);
    const entry = this.#entries.find((entry) => entry.type === kind && entry.listener === fn);
    if (entry) this.#drop(entry);
  }

  /** Calls the listeners. Exceptions are reported and don't affect other listeners. */
  dispatch(event) {
    for (const entry of this.#entries) {
      if (entry.type !== undefined && entry.type !== event.type) continue;
      // Removed by an earlier listener of this event: it must not be called any more.
      if (!this.#entries.includes(entry)) continue;
      if (entry.once) this.#drop(entry);
      try {
        entry.listener(event);
      } catch (error) {
        reportError(error);
      }
    }
  }

  clear() {
    for (const entry of this.#entries) entry.forget();
    this.#entries = [];
  }

  #drop(entry) {
    entry.forget();
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
}

function checked(type, listener) {
  const all = typeof type === "function";
  const fn = all ? type : listener;
  if (!all && typeof type !== "string") throw new TypeError("type: must be a string or a function");
  if (typeof fn !== "function") throw new TypeError("listener: must be a function");
  return [all ? undefined : type, fn];
}
