import { isToken } from "./check.js";

/** Milliseconds after which what was started early is closed without a first call. The gateway closes after ten seconds. */
const UNUSED_MS = 5_000;

/**
 * What starts before the engine is loaded: as soon as a client is created the socket opens, the engine loads
 * and the token is fetched, in parallel. What is not used is closed.
 */
export class FirstFlight {
  #url;
  #authToken;
  #socket;
  #token;
  #timer;
  /** The address that the page's policy has forbidden, if it did. */
  blocked;
  #onBlocked = ({ effectiveDirective, blockedURI }) => {
    if (effectiveDirective === "connect-src" && this.#url.startsWith(blockedURI)) this.blocked = this.#url;
  };

  constructor({ endpoint, authToken }, ready) {
    this.#url = `${endpoint.replace("http", "ws")}/v1/connect`;
    this.#authToken = authToken;
    // A server that renders pages creates clients that it never uses.
    if (!globalThis.self || !globalThis.WebSocket) return;
    // Later, so that the caller can still pass its own source to `ready`, or prepare its token.
    queueMicrotask(() => {
      if (this.#timer === null) return;
      this.#timer ??= setTimeout(() => this.end(), UNUSED_MS);
      this.#socket = this.#open();
      this.#token = this.#ask();
      // The first call reports the failure.
      this.#token.catch(() => {});
      ready().catch(() => {});
    });
  }

  /** There is a first call: nothing is closed early any more. */
  used() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Closes what is not used. */
  end() {
    this.used();
    this.#timer = null;
    globalThis.removeEventListener?.("securitypolicyviolation", this.#onBlocked);
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
      globalThis.addEventListener?.("securitypolicyviolation", this.#onBlocked);
      return new WebSocket(this.#url, "alo.v1.json");
    } catch {
      return undefined;
    }
  }

  async #ask() {
    if (typeof this.#authToken === "string") return this.#authToken;
    const token = await this.#authToken();
    if (typeof token !== "string") throw new Error("must return a string");
    // An error page, for example, is not allowed in a header.
    if (!isToken(token)) throw new Error("must return a token");
    return token;
  }
}
