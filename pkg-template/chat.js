import init, { Engine } from "./engine/alo_chat.js";
import { Listeners } from "./listeners.js";

/** The package's version. */
export const version = "0.0.0-template";

/** Makes the public API; `source` gives the engine's wasm if `ready` is given none. */
export function define(source) {
  let loading;

  function ready(given) {
    if (!loading) {
      loading = Promise.resolve(given ?? source())
        .then((from) => init({ module_or_path: from }))
        .then(() => undefined);
      // A failure is not kept: the next call tries again.
      loading.catch(() => (loading = undefined));
    }
    return loading;
  }

  class AloChat {
    #options;
    #authToken;
    #listeners = new Listeners();
    #engine;
    /** Where unsent messages are kept beyond the page's end: a promise of it, and itself once it is open. */
    #opening;
    #outbox;
    /** Calls that wait for the engine; later ones queue behind them. */
    #waiting = 0;
    #disposed = false;

    constructor(options) {
      const { endpoint, authToken, ...rest } = options ?? {};
      // A string goes into a header: an error page or a line break cannot.
      if (typeof authToken !== "function" && !(typeof authToken === "string" && /^[!-~]+$/.test(authToken))) {
        throw new TypeError("authToken: must be a token, or a function that gives one");
      }
      for (const name of ["outboxLimit", "parallelUploads"]) {
        if (rest[name] !== undefined && !(Number.isInteger(rest[name]) && rest[name] > 0 && rest[name] < 2 ** 31)) {
          throw new TypeError(`${name}: must be a positive integer`);
        }
      }
      if (![undefined, "memory", "indexeddb"].includes(rest.outbox)) {
        throw new TypeError(`outbox: must be "memory" or "indexeddb", but is ${String(rest.outbox)}`);
      }
      this.#options = { ...rest, endpoint: checkedEndpoint(endpoint) };
      this.#authToken = authToken;
    }

    sendMessage(options) {
      return this.#call("sendMessage", options).then((result) => answered(result, this.#options.endpoint));
    }

    subscribe(options) {
      return this.#call("subscribe", options);
    }

    unsubscribe(options) {
      return this.#call("unsubscribe", options);
    }

    connect() {
      return this.#call("connect");
    }

    disconnect() {
      return this.#call("disconnect");
    }

    downloadFile(options) {
      return this.#call("downloadFile", options);
    }

    addEventListener(type, listener, options) {
      this.#listeners.add(type, listener, options);
    }

    removeEventListener(type, listener) {
      this.#listeners.remove(type, listener);
    }

    dispose() {
      if (this.#disposed) return;
      // First: a listener that hears of the end may call, and is refused.
      this.#disposed = true;
      const engine = this.#engine;
      this.#engine = undefined;
      // Only then: it may be at work, with this as one of its listeners. What still runs keeps what it needs.
      engine?.disconnect().then(() => engine.free());
      this.#outbox?.close();
      this.#listeners.clear();
    }

    #call(method, options) {
      if (this.#disposed) return Promise.resolve(disposed());
      if (this.#engine && this.#waiting === 0) return this.#run(method, options);
      this.#waiting++;
      // What the caller changes while the engine loads does not count.
      const taken = isObject(options) ? { ...options, ...snapshot(options) } : options;
      return Promise.all([ready(), this.#openOutbox()]).then(
        () => (this.#waiting--, this.#run(method, taken)),
        (cause) => {
          this.#waiting--;
          return failure("load-failed", 500, `the engine could not be loaded: ${cause?.message ?? cause}`, true);
        },
      );
    }

    #run(method, options) {
      if (this.#disposed) return Promise.resolve(disposed());
      try {
        this.#engine ??= new Engine(this.#options, this.#authToken, (event) => this.#dispatch(event), this.#outbox);
        return this.#engine[method](options);
      } catch (cause) {
        // The engine never throws by itself: a getter of the caller's object did, or there is a bug.
        return Promise.resolve(failure("internal", 500, `${method}: ${cause?.message ?? cause}`, false));
      }
    }

    /** Never rejects: without storage the outbox lives in memory. */
    #openOutbox() {
      if (this.#options.outbox !== "indexeddb") return undefined;
      const failed = (cause) => this.#dispatch({ type: "outbox.warning", data: { error: notKept(cause) } });
      this.#opening ??= import("./outbox.js")
        .then(({ Outbox }) => Outbox.open(this.#options.endpoint, (messages) => this.#restored(messages), failed))
        .then((outbox) => (this.#disposed ? outbox.close() : (this.#outbox = outbox)), failed);
      return this.#opening;
    }

    /** What earlier pages have left unsent is sent now; listeners are told, as nobody waits for it. */
    #restored(messages) {
      const results = this.#engine?.restored(messages) ?? [];
      results.forEach((result, index) => {
        const { channelId, parentId, body, files } = messages[index];
        const message = { channelId, parentId, ...JSON.parse(body), files: files.map(({ file }) => file) };
        const { endpoint } = this.#options;
        this.#dispatch({ type: "outbox.restored", data: { message, result: result.then((to) => answered(to, endpoint)) } });
      });
    }

    #dispatch(event) {
      absolute(event.data?.message, this.#options.endpoint);
      this.#listeners.dispatch(event);
    }
  }
  if (Symbol.dispose) AloChat.prototype[Symbol.dispose] = AloChat.prototype.dispose;

  return { AloChat, ready: (given) => ready(given) };
}

function checkedEndpoint(endpoint) {
  let url;
  try {
    url = new URL(endpoint);
  } catch {
    throw new TypeError(`endpoint: must be a URL, but is ${String(endpoint)}`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new TypeError(`endpoint: must start with https:// or http://, but is ${url.href}`);
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError("endpoint: must hold no user name, password, query or fragment");
  }
  return url.href.replace(/\/+$/, "");
}

/** The gateway names files relative to itself: it need not know by which address it is reached. */
function absolute(message, endpoint) {
  for (const one of [message, message?.parent]) {
    if (!one?.files?.length) continue;
    for (const file of one.files) {
      if (file.url?.startsWith("/")) file.url = endpoint + file.url;
    }
  }
}

function answered(result, endpoint) {
  absolute(result.response?.message, endpoint);
  return result;
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** What of a call the caller might change before the engine is there; a FileList changes by itself. */
function snapshot({ metadata, files, channelIds }) {
  const copy = {};
  if (isObject(files) && Symbol.iterator in files) copy.files = [...files];
  if (Array.isArray(channelIds)) copy.channelIds = [...channelIds];
  if (isObject(metadata)) {
    try {
      copy.metadata = structuredClone(metadata);
    } catch {
      // Not to be cloned (a function in it, say): the engine judges it as it is.
    }
  }
  return copy;
}

function failure(code, statusCode, message, retryable) {
  return { status: { error: true, errorData: { statusCode, message, code, retryable } } };
}

function notKept(cause) {
  return failure("outbox-unavailable", 500, `outbox: kept in memory alone; ${cause?.message ?? cause}`, false).status.errorData;
}

function disposed() {
  return failure("disconnected", 499, "dispose() was called", false);
}
