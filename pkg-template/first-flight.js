/** How long what was begun may wait for a first call, milliseconds. The gateway closes after ten seconds. */
const UNUSED_MS = 5_000;

/**
 * What can begin before the engine is there: the socket opens, the engine loads and the token is fetched side
 * by side, from the making of a client on. What nobody uses is closed.
 */
export class FirstFlight {
  #url;
  #authToken;
  #socket;
  #token;
  #timer;

  constructor({ endpoint, authToken }, ready) {
    this.#url = `${endpoint.replace("http", "ws")}/v1/connect`;
    this.#authToken = authToken;
    // A server that renders pages makes clients it never uses.
    if (!globalThis.self || !globalThis.WebSocket) return;
    // Later: whoever made the client may have its own source for the engine, or a token to set up.
    queueMicrotask(() => {
      if (this.#timer === null) return;
      this.#timer ??= setTimeout(() => this.end(), UNUSED_MS);
      this.#socket = this.#open();
      this.#token = this.#ask();
      // Whoever calls gets the failure.
      this.#token.catch(() => {});
      ready().catch(() => {});
    });
  }

  /** There is a first call: nothing is closed any more. */
  used() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Closes what is not used. */
  end() {
    this.used();
    this.#timer = null;
    this.#socket?.close(1000);
    this.#socket = this.#token = undefined;
  }

  /** A socket that is open or opening; `undefined` when the browser refuses the address. */
  socket() {
    const begun = this.#socket;
    this.#socket = undefined;
    return begun?.readyState <= 1 ? begun : this.#open();
  }

  /** A promise of a token. */
  token() {
    const begun = this.#token;
    this.#token = undefined;
    return begun ?? this.#ask();
  }

  #open() {
    try {
      return new WebSocket(this.#url, "alo.v1.json");
    } catch {
      return undefined;
    }
  }

  async #ask() {
    if (typeof this.#authToken === "string") return this.#authToken;
    const token = await this.#authToken();
    if (typeof token !== "string") throw new Error("gave no string");
    // An error page, say, cannot stand in a header.
    if (!/^[!-~]+$/.test(token)) throw new Error("gave a string that is no token");
    return token;
  }
}
