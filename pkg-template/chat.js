import { explain, nameOrigin } from "./causes.js";
import * as check from "./check.js";
import { channelId, channelIds, counts, custom, limit, optional, string, uuid } from "./check.js";
import { FirstFlight } from "./first-flight.js";
import { Listeners } from "./listeners.js";
import { isKnown, ownDevice, TYPING_MS } from "./live.js";
import { aborted, download, failure, pages } from "./results.js";
import { uploads } from "./uploads.js";

/** The package's version. */
export const version = "0.0.0-template";

// Lanes of the protocol's registry; src/web/engine.rs has the same numbers.
const ONCE = 0;
const RETRY = 1;
const NOW = 2;

/** The methods that are a request and nothing more: lane, method of the protocol, and a check for each parameter. */
const REQUESTS = {
  fetchHistory: [
    RETRY,
    "history",
    { channelId, limit: optional(limit), olderPageToken: optional(string), newerPageToken: optional(string) },
  ],
  stopTyping: [NOW, "typing.stop", { channelId }],
  fetchHistoryAround: [RETRY, "history.around", { channelId, messageId: uuid, limit: optional(limit) }],
  // The user's own log is subscribed first, so that the result and the events that follow it join.
  markRead: [RETRY, "read.mark", { channelId, messageId: uuid }, true],
  unreadCounts: [RETRY, "reads", { channelIds: optional(channelIds) }, true],
};
const START_TYPING = [NOW, "typing.start", { channelId }];
const COUNTS = [RETRY, "counts", { channels: counts }];
const MESSAGE = { channelId, content: string, parentId: optional(uuid), metadata: optional(custom) };

/**
 * Makes the public API over the engine's class; `init` loads its wasm, from `source()` unless `ready` is passed
 * another source.
 */
export function define(source, init, Engine) {
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
    #flight;
    #listeners = new Listeners();
    #engine;
    /** Calls that wait for the engine, each with the function that starts it; set while it loads. */
    #waiting;
    /** The resolvers of the open calls, by number. */
    #open = new Map();
    #next = 0;
    /** Those that wait for the user's own log. */
    #joining = new Set();
    /** Keeps unsent messages after the page is closed. */
    #outbox;
    #disposed = false;
    /** When each channel's next `typing.start` may be sent, and what the last one resolves to. */
    #typed = new Map();
    /** The timers of others who type. */
    #typists = new Map();

    constructor(options) {
      const { endpoint, userAuthToken, authToken = userAuthToken, ...rest } = options ?? {};
      // A token is sent in a header, where an error page or a line break is not allowed.
      if (typeof authToken !== "function" && !check.isToken(authToken)) {
        throw new TypeError("authToken: must be a token, or a function that returns one");
      }
      for (const name of ["outboxLimit", "parallelUploads"]) {
        if (rest[name] !== undefined && !(Number.isInteger(rest[name]) && rest[name] > 0 && rest[name] < 2 ** 31)) {
          throw new TypeError(`${name}: must be a positive integer`);
        }
      }
      if (![undefined, "memory", "indexeddb"].includes(rest.outbox)) {
        throw new TypeError(`outbox: must be "memory" or "indexeddb", but is ${String(rest.outbox)}`);
      }
      optional(channelId)("deviceId", rest.deviceId);
      this.#options = { ...rest, authToken, endpoint: checkedEndpoint(endpoint) };
      this.#flight = new FirstFlight(this.#options, ready);
    }

    static {
      for (const name in REQUESTS) {
        this.prototype[name] = function (options = REQUESTS[name][3] && {}) {
          return this.#request(REQUESTS[name], options);
        };
      }
    }

    /** Makes a request of a row; `before` may start something else in its place. */
    #request([lane, method, checks, joins], options, before = (given, start) => (joins ? this.#joins(start) : start)) {
      return this.#call(options, (given) => {
        const body = check.body(method, checks, given);
        return before(given, (engine, call) => engine.request(call, lane, body, check.bytes(body)));
      });
    }

    /** Subscribes to the user's own log, then starts the call, unless it was aborted meanwhile. */
    #joins(start) {
      return (engine, call) => {
        const join = this.#next++;
        this.#joining.add(call);
        this.#open.set(join, ({ status }) => {
          this.#joining.delete(call);
          if (status.error) this.#settle(call, status.errorData);
          else if (this.#open.has(call)) start(engine, call);
        });
        engine.subscribe(join, [""]);
      };
    }

    sendMessage(options) {
      return this.#call(options, (given) => {
        const body = check.body("message.send", MESSAGE, given);
        const { channelId, files } = given;
        const taken = optional(check.files)("files", files);
        return taken?.length
          ? (engine, call) => engine.requestWithFiles(call, body, check.bytes(body), channelId, taken)
          : (engine, call) => engine.request(call, ONCE, body, check.bytes(body));
      });
    }

    messageCounts(channels, options) {
      // Inherited: a getter of the options is read where what it throws becomes an error.
      const request = this.#request(COUNTS, { __proto__: options, channels });
      return request.then((result) => ({ ...result, ...result.response }));
    }

    startTyping(options) {
      let sent;
      const result = this.#request(START_TYPING, options, ({ channelId }, start) => {
        const now = performance.now();
        sent = this.#typed.get(channelId);
        if (now < sent?.until) return (engine, call) => this.#settle(call);
        this.#typed.set(channelId, (sent = { until: now + TYPING_MS }));
        return start;
      });
      return sent ? (sent.result ??= result) : result;
    }

    history(options) {
      return pages(this, options);
    }

    subscribe(options) {
      let ids;
      return this.#call(options, (given) => {
        ids = channelIds("channelIds", given.channelIds);
        return (engine, call) => engine.subscribe(call, ids);
      }).then((result) => (result.status.error ? result : { ...result, response: { channelIds: ids } }));
    }

    unsubscribe(options) {
      return this.#call(options, (given) => {
        const ids = channelIds("channelIds", given.channelIds);
        return (engine, call) => engine.unsubscribe(call, ids);
      });
    }

    connect() {
      return this.#call({}, () => (engine, call) => engine.connect(call));
    }

    disconnect() {
      return this.#call({}, () => (engine, call) => engine.disconnect(call));
    }

    downloadFile(options) {
      let url, signal;
      const token = (refused) => this.#call({ signal }, () => (engine, call) => engine.token(call, refused));
      return this.#call(options, ({ file }, given) => {
        signal = given;
        const { id } = check.options(file, "file", "must be a file of a message");
        url = `${this.#options.endpoint}/v1/files/${check.uuid("file.id", id)}`;
        return (engine, call) => engine.token(call, undefined);
      }).then((first) => download(url, signal, first, token));
    }

    addEventListener(type, listener, options) {
      this.#listeners.add(type, listener, options);
    }

    removeEventListener(type, listener) {
      this.#listeners.remove(type, listener);
    }

    dispose() {
      if (this.#disposed) return;
      // First, so that calls made by listeners of the last events are refused.
      this.#disposed = true;
      const engine = this.#engine;
      this.#engine = undefined;
      this.#flight.end();
      if (engine) {
        const ended = new Promise((resolve) => this.#open.set(this.#next, resolve));
        engine.disconnect(this.#next++);
        // Only then: the engine may be running, with the caller as one of its listeners.
        ended.then(() => engine.free());
      } else {
        for (const call of this.#open.keys()) this.#settle(call, disposed());
      }
      this.#outbox?.close();
      this.#listeners.clear();
    }

    /** Reads the arguments now and starts the call when the engine is loaded. Never throws, never rejects. */
    #call(options, read) {
      if (this.#disposed) return Promise.resolve(failure(disposed()));
      let start, signal;
      try {
        check.reading("the argument", () => {
          const given = check.options(options);
          signal = optional(check.signal)("signal", given.signal);
          start = read(given, signal);
        });
      } catch ({ message }) {
        return Promise.resolve(failure(invalid(message)));
      }
      if (signal?.aborted) return Promise.resolve(failure(aborted()));
      return new Promise((resolve) => {
        const call = this.#next++;
        const abort = () =>
          this.#engine && !this.#joining.has(call) ? this.#engine.abort(call) : this.#settle(call, aborted());
        signal?.addEventListener("abort", abort);
        this.#open.set(call, (result) => {
          signal?.removeEventListener("abort", abort);
          resolve(result);
        });
        if (this.#engine) return this.#begin(call, start);
        if (!this.#waiting) this.#load();
        this.#waiting.push([call, start]);
      });
    }

    /** Starts a call. What throws in it is the caller's, and must hold up no other. */
    #begin(call, start) {
      try {
        start(this.#engine, call);
      } catch (cause) {
        this.#settle(call, invalid(`the argument: reading it throws; ${check.reason(cause)}`));
      }
    }

    #load() {
      this.#waiting = [];
      this.#flight.used();
      Promise.all([ready(), this.#openOutbox()]).then(
        () => this.#start(),
        (cause) => {
          const message = `the engine could not be loaded: ${check.reason(cause)}`;
          for (const [call] of this.#taken()) {
            this.#settle(call, { statusCode: 500, message, code: "load-failed", retryable: true });
          }
        },
      );
    }

    #start() {
      const waiting = this.#taken();
      if (this.#disposed) return;
      const { endpoint, authToken, outboxLimit = 1000, parallelUploads = 3, deviceId = ownDevice() } = this.#options;
      const host = {
        settle: (call, error, value) => this.#settle(call, error, value),
        emit: (event) => this.#dispatch(event),
        openSocket: () => this.#flight.socket(),
        ...uploads(endpoint, (id, reply) => this.#engine?.httpDone(id, reply)),
        fetchToken: () => {
          this.#flight.token().then(
            (token) => this.#engine?.tokenFetched(token, ""),
            (cause) => this.#engine?.tokenFetched(undefined, check.reason(cause)),
          );
        },
      };
      const engine = new Engine(typeof authToken === "function", outboxLimit, parallelUploads, host, this.#outbox, JSON.stringify(deviceId));
      this.#engine = engine;
      for (const [call, start] of waiting) if (this.#open.has(call)) this.#begin(call, start);
    }

    #taken() {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      return waiting;
    }

    #settle(call, error, response) {
      const resolve = this.#open.get(call);
      this.#open.delete(call);
      nameOrigin(error);
      if (error) return resolve?.(failure(error));
      if (response === undefined) return resolve?.({ status: { error: false } });
      this.#absolute(response.message);
      response.messages?.forEach((message) => this.#absolute(message));
      resolve?.({ status: { error: false }, response });
    }

    /** Never rejects: without storage the outbox is kept in memory. */
    #openOutbox() {
      if (this.#options.outbox !== "indexeddb" || this.#outbox) return undefined;
      const failed = (cause) => {
        const message = `outbox: kept in memory alone; ${check.reason(cause)}`;
        const error = { statusCode: 500, message, code: "outbox-unavailable", retryable: false };
        this.#dispatch({ type: "outbox.warning", data: { error } });
      };
      return import("./outbox.js")
        .then(({ Outbox }) => Outbox.open(this.#options.endpoint, (kept) => this.#restored(kept), failed))
        .then((outbox) => (this.#disposed ? outbox.close() : (this.#outbox = outbox)), failed);
    }

    /** Sends what earlier pages have left unsent. No caller waits for it, so events report the results. */
    #restored(commands) {
      const results = commands.map((command) => {
        command.call = this.#next++;
        return new Promise((resolve) => this.#open.set(command.call, resolve));
      });
      const sends = commands.map(({ body, files }) => {
        const { params } = JSON.parse(`{"method":${body}}}`);
        return { ...params, files: files.map(({ file }) => file) };
      });
      sends.forEach(({ channelId }, index) => (commands[index].channelId = channelId));
      this.#engine?.restored(commands);
      sends.forEach((message, index) => this.#dispatch({ type: "outbox.restored", data: { message, result: results[index] } }));
    }

    #dispatch(event) {
      const { type, data } = event;
      if (isKnown(event, this.#typists, (stop) => this.#dispatch(stop))) return;
      if (type === "status.reconnecting") explain(data, this.#flight.blocked);
      nameOrigin(data?.error);
      this.#absolute(data?.message);
      this.#listeners.dispatch(event);
    }

    /** The gateway returns relative URLs of files, as it does not know by which address it is reached. */
    #absolute(message) {
      if (!message) return;
      for (const file of message.files ?? []) {
        if (file.url?.startsWith("/")) file.url = this.#options.endpoint + file.url;
      }
      if (message.parent) this.#absolute(message.parent);
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
    throw new TypeError("endpoint: must not contain a user name, password, query or fragment");
  }
  return url.href.replace(/\/+$/, "");
}

function invalid(message) {
  return { statusCode: 400, message, code: "invalid-argument", retryable: false };
}

function disposed() {
  return { statusCode: 499, message: "dispose() was called", code: "disconnected", retryable: true };
}
