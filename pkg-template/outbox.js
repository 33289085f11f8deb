// Keeps unsent messages in IndexedDB, so that a reload or a crash of the page loses none. Loaded on demand.
//
// Messages belong to the session of the page that wrote them, which holds a Web Lock as long as it lives.
// Another page takes over a session's messages once it gets the lock, so two pages never hold the same ones.

const MESSAGES = "messages";
const UPLOADS = "uploads";
const SESSIONS = "sessions";
const USERS = "users";
/** Milliseconds. A database blocked by another page, or a browser that never answers, must not stop the chat. */
const OPEN_MS = 3_000;

export class Outbox {
  #database;
  #endpoint;
  #session = crypto.randomUUID();
  #user;
  /** Orders messages by page; `#count` orders those of one page. */
  #started = Date.now();
  #count = 0;
  /** The keys of upload records, by the engine's upload number. */
  #uploads = new Map();
  /** By session: releases the lock this page holds for it. */
  #held = new Map();
  #failing = false;
  #closed = false;
  #restored;
  #failed;

  /**
   * Opens the outbox of a gateway; rejects if storage or locks are unavailable. `restored` receives what
   * earlier pages have left, each time the engine asks; `failed` receives why something cannot be kept.
   */
  static async open(endpoint, restored, failed) {
    if (!globalThis.indexedDB || !globalThis.navigator?.locks) {
      throw new Error("this browser has no IndexedDB or no Web Locks here; pages need https for them");
    }
    const outbox = new Outbox();
    outbox.#endpoint = endpoint;
    outbox.#restored = restored;
    outbox.#failed = failed;
    let late;
    const timeout = new Promise((_, reject) => {
      late = setTimeout(() => reject(new Error("the browser's storage does not respond")), OPEN_MS);
    });
    try {
      await Promise.race([outbox.#open(), timeout]);
      return outbox;
    } catch (cause) {
      outbox.close();
      throw cause;
    } finally {
      clearTimeout(late);
    }
  }

  async #open() {
    this.#database = await openDatabase();
    await this.#hold(this.#session);
    const { store } = this.#transaction([USERS], "readonly");
    // The user who connected here last, until the gateway names another.
    this.#user = await result(store(USERS).get(this.#endpoint));
    // Opening took too long and was given up.
    if (this.#closed) this.close();
  }

  // Called by the engine.

  keep(message) {
    message.session = this.#session;
    message.order = [this.#started, this.#count++];
    this.#remember(message);
    this.#write([SESSIONS], (store) => [store(SESSIONS).put(this.#sessionRecord())]);
    // In a transaction of its own: private windows of WebKit refuse files, and the rest of the transaction then hangs.
    const kept = this.#write([MESSAGES], (store) => [store(MESSAGES).put(message)]);
    void kept.then((done) => (this.#failing &&= !done));
  }

  keepUpload(upload, key, location) {
    const at = this.#uploads.get(upload);
    if (at) this.#write([UPLOADS], (store) => [store(UPLOADS).put({ key, location }, at)]);
  }

  forget(key) {
    for (const [upload, [message]] of this.#uploads) if (message === key) this.#uploads.delete(upload);
    this.#write([MESSAGES, UPLOADS], (store) => [
      store(MESSAGES).delete(key),
      store(UPLOADS).delete(IDBKeyRange.bound([key], [key, []])),
    ]);
  }

  async restore(user) {
    this.#user = user;
    const messages = [];
    try {
      for (const session of await this.#sessionsOf(user)) {
        if (await this.#hold(session)) messages.push(...(await this.#messagesOf(session)));
      }
    } catch (cause) {
      this.#fail(cause);
    }
    // Connected as another user in the meantime: the messages are not theirs.
    if (user !== this.#user) {
      for (const { session } of messages) this.#release(session);
      return;
    }
    messages.sort((a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1]);
    this.#restored(messages);
    // The engine has numbered their files by now.
    for (const message of messages) this.#remember(message);
  }

  // Called by the package.

  /** Closes the database; what is kept stays for another page. */
  close() {
    this.#closed = true;
    for (const session of this.#held.keys()) this.#release(session);
    this.#database?.close();
  }

  #sessionRecord() {
    return { id: this.#session, endpoint: this.#endpoint, user: this.#user };
  }

  #remember({ key, files }) {
    files.forEach(({ upload }, index) => this.#uploads.set(upload, [key, index]));
  }

  /** Other pages' sessions of this user, or of a user the gateway had not named yet. */
  async #sessionsOf(user) {
    const { store, done } = this.#transaction([SESSIONS, USERS], "readwrite");
    store(USERS).put(user, this.#endpoint);
    if (this.#count > 0) store(SESSIONS).put(this.#sessionRecord());
    const sessions = await result(store(SESSIONS).getAll());
    await done;
    const isTheirs = (one) => one.endpoint === this.#endpoint && [undefined, user].includes(one.user);
    return sessions.filter((one) => isTheirs(one) && !this.#held.has(one.id)).map((one) => one.id);
  }

  /** The messages of a session this page holds; an empty session is removed. */
  async #messagesOf(session) {
    let messages = [];
    try {
      const { store, done } = this.#transaction([MESSAGES, UPLOADS, SESSIONS], "readwrite");
      const found = await result(store(MESSAGES).index("session").getAll(session));
      for (const { key, files } of found) {
        for (const [index, file] of files.entries()) Object.assign(file, await result(store(UPLOADS).get([key, index])));
      }
      if (found.length === 0) store(SESSIONS).delete(session);
      await done;
      return (messages = found);
    } finally {
      if (messages.length === 0) this.#release(session);
    }
  }

  /** Takes a session's lock until the page ends; false if another page holds it. */
  #hold(session) {
    return new Promise((resolve, reject) => {
      const held = (lock) => {
        resolve(lock !== null);
        if (lock) return new Promise((release) => this.#held.set(session, release));
      };
      navigator.locks.request(`alo-chat outbox ${session}`, { ifAvailable: true }, held).catch(reject);
    });
  }

  #release(session) {
    this.#held.get(session)?.();
    this.#held.delete(session);
  }

  #transaction(names, mode) {
    const transaction = this.#database.transaction(names, mode);
    return { store: (name) => transaction.objectStore(name), done: finished(transaction), transaction };
  }

  /** Writes, and returns whether that succeeded. The browser runs the transactions one after another. */
  async #write(names, change) {
    try {
      const { store, done, transaction } = this.#transaction(names, "readwrite");
      const requests = change(store).map(result);
      // Earlier than the browser would: the page may end now.
      transaction.commit();
      // WebKit completes a transaction even if one of its requests failed.
      await Promise.all([...requests, done]);
      return true;
    } catch (cause) {
      this.#fail(cause);
      return false;
    }
  }

  /** Reports the first of consecutive failures. */
  #fail(cause) {
    if (!this.#failing) this.#failed(cause);
    this.#failing = true;
  }
}

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("alo-chat", 1);
    request.onupgradeneeded = () => {
      const database = request.result;
      database.createObjectStore(MESSAGES, { keyPath: "key" }).createIndex("session", "session");
      database.createObjectStore(UPLOADS);
      database.createObjectStore(SESSIONS, { keyPath: "id" });
      database.createObjectStore(USERS);
    };
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      // A page with a later version wants to upgrade it: later writes then fail, and are reported.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
  });
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction) {
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was ended"));
  });
  // Callers that wait still see the rejection; without one it must not count as unhandled.
  done.catch(() => {});
  return done;
}
