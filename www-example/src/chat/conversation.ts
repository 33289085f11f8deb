// The page's side of the SDK: its events change the store, and what people do goes out through it.

import { AloChat } from "alo-chat";
import type { ChatEventMap, ChatFile, ErrorData, Message, Result } from "alo-chat";

import { fetchAccess } from "../session.ts";
import type { Access } from "../session.ts";
import { quoteOf } from "../state/quote.ts";
import type { Channel, Store } from "../state/store.ts";
import type { Draft, Entry, Upload } from "../state/types.ts";
import { HistoryLoader } from "./history.ts";

export class Conversation {
  readonly history: HistoryLoader;
  readonly #store: Store;
  readonly #chat: AloChat;
  /** What shows the progress of a file on its way up. */
  readonly #uploads = new Map<File, Upload>();
  #subscribed = false;
  /** Whether subscribing has been answered. */
  #connected = false;

  constructor(access: Access, store: Store) {
    this.#store = store;
    this.#chat = new AloChat({
      endpoint: access.endpoint,
      authToken: async () => (await fetchAccess(access.userId)).token,
      outbox: "indexeddb",
    });
    this.history = new HistoryLoader(
      this.#chat,
      () => store.changed(),
      (channel) => store.reached(channel),
    );
    this.#listen();
  }

  /** Starts the events of all channels; also after the SDK has stopped. */
  async connect(): Promise<void> {
    this.#store.connection = { state: "connecting" };
    delete this.#store.subscribeError;
    this.#store.changed();
    const connected = await this.#chat.connect();
    if (connected.status.error || this.#subscribed) return this.#connectFailed(connected.status.errorData);
    const { status } = await this.#chat.subscribe({ channelIds: this.#store.channels.map(({ id }) => id) });
    this.#subscribed = !status.error;
    if (status.error) this.#store.subscribeError = status.errorData.message;
    // Loaded before there were events: what came between the two is missing.
    if (this.#connected && this.#subscribed) for (const channel of this.#store.channels) this.history.gap(channel);
    // Only now: between a page and the first event nothing may be missing.
    this.#connected = true;
    this.openHistory();
    this.#store.changed();
  }

  /** Loads the open channel's newest messages, if it is shown for the first time. */
  openHistory(): void {
    if (this.#connected) this.history.open(this.#store.active);
  }

  /** Shows the message at once and sends it. */
  send(channelId: string, draft: Draft): void {
    const channel = this.#store.channel(channelId);
    if (!channel) return;
    const entry: Entry = {
      kind: "message",
      key: crypto.randomUUID(),
      channelId,
      userId: this.#store.userId,
      own: true,
      content: draft.text,
      time: Date.now(),
      state: "sending",
      quote: draft.quote,
      files: [],
      uploads: draft.files.map((source) => ({ source, percent: 0 })),
    };
    channel.log.add(entry);
    channel.reading.answered();
    void this.#showOwn(channel);
    void this.#transmit(entry);
  }

  retry(entry: Entry): void {
    this.#store.channel(entry.channelId)?.log.again(entry);
    entry.uploads = entry.uploads.map(({ source }) => ({ source, percent: 0 }));
    entry.time = Date.now();
    void this.#transmit(entry);
  }

  /** Takes back a message whose files are still on their way. */
  cancel(entry: Entry): void {
    entry.abort?.abort();
  }

  discard(entry: Entry): void {
    this.#store.channel(entry.channelId)?.log.remove(entry);
    this.#store.changed();
  }

  download(file: ChatFile, signal?: AbortSignal): Promise<Result<{ blob: Blob }>> {
    return this.#chat.downloadFile({ file, signal });
  }

  close(): void {
    this.#chat.dispose();
  }

  /** What one sends is shown, wherever one was reading. */
  async #showOwn(channel: Channel): Promise<void> {
    if (!channel.log.atPresent && channel.log.opened && !(await this.history.present(channel))) return;
    channel.place = { kind: "end" };
    channel.below = 0;
    this.#store.changed();
  }

  async #transmit(entry: Entry): Promise<void> {
    entry.state = "sending";
    entry.abort = new AbortController();
    delete entry.error;
    for (const upload of entry.uploads) this.#uploads.set(upload.source, upload);
    this.#store.changed();
    const sent = this.#chat.sendMessage({
      channelId: entry.channelId,
      content: entry.content,
      // Recognises this page's own messages when their events arrive before the promise resolves.
      metadata: { clientId: entry.key },
      parentId: entry.quote?.id,
      files: entry.uploads.map(({ source }) => source),
      signal: entry.abort.signal,
    });
    await this.#answered(entry, sent);
  }

  /** An earlier page wrote it, and was closed before it was sent. */
  #restored({ message, result }: ChatEventMap["outbox.restored"]): void {
    const channel = this.#store.channel(message.channelId);
    if (!channel) return;
    const parent = message.parentId === undefined ? undefined : channel.log.find(message.parentId);
    const { clientId } = message.metadata ?? {};
    const entry: Entry = {
      kind: "message",
      key: typeof clientId === "string" ? clientId : crypto.randomUUID(),
      channelId: message.channelId,
      userId: this.#store.userId,
      own: true,
      content: message.content,
      time: Date.now(),
      state: "sending",
      quote: parent?.id === undefined ? undefined : quoteOf({ ...parent, id: parent.id }),
      files: [],
      uploads: message.files.map((source) => ({ source, percent: 0 })),
    };
    channel.log.add(entry);
    for (const upload of entry.uploads) this.#uploads.set(upload.source, upload);
    this.#store.changed();
    void this.#answered(entry, result);
  }

  async #answered(entry: Entry, sent: Promise<Result<{ message: Message }>>): Promise<void> {
    const { status, response } = await sent;
    for (const { source } of entry.uploads) this.#uploads.delete(source);
    if (!status.error) this.#store.channel(entry.channelId)?.log.resolved(entry, response.message);
    // The event may have come all the same: then it was sent.
    else if (entry.id === undefined) this.#failed(entry, status.errorData);
    this.#store.changed();
  }

  #failed(entry: Entry, error: ErrorData): void {
    entry.state = "failed";
    entry.error = error;
    delete entry.abort;
  }

  /** An error that stops the SDK comes as an event too; this is for those that do not. */
  #connectFailed(error: ErrorData | undefined): void {
    if (error && this.#store.connection.state === "connecting") this.#store.connection = { state: "failed", error };
    this.#store.changed();
  }

  #listen(): void {
    const store = this.#store;
    const chat = this.#chat;
    chat.addEventListener("status.connected", () => {
      store.connection = { state: "connected" };
      this.history.connected();
      store.changed();
    });
    chat.addEventListener("status.disconnected", () => {
      store.connection = { state: "disconnected" };
      store.changed();
    });
    chat.addEventListener("status.reconnecting", ({ data }) => {
      store.connection = { state: "reconnecting", attempt: data.attempt, until: Date.now() + data.delayMs };
      store.changed();
    });
    chat.addEventListener("status.failed", ({ data }) => {
      store.connection = { state: "failed", error: data.error };
      store.changed();
    });
    chat.addEventListener("message.new", ({ data }) => {
      const channel = store.channel(data.message.channelId);
      const entry = channel?.log.received(data.message, channel.place);
      if (channel && entry) store.arrived(channel, entry);
      store.changed();
    });
    chat.addEventListener("message.deleted", ({ data }) => {
      store.channel(data.channelId)?.log.deleted(data.messageId);
      store.changed();
    });
    chat.addEventListener("channel.gap", ({ data }) => {
      const channel = store.channel(data.channelId);
      if (!channel) return;
      if (data.reason === "forbidden") {
        channel.forbidden = true;
        this.history.stop(channel);
      } else this.history.gap(channel);
      store.changed();
    });
    chat.addEventListener("outbox.restored", ({ data }) => this.#restored(data));
    chat.addEventListener("outbox.warning", () => (store.kept = false));
    chat.addEventListener("file.upload.progress", ({ data }) =>
      this.#progress(data.file.source, { percent: data.percent }),
    );
    chat.addEventListener("file.upload.complete", ({ data }) => this.#progress(data.file.source, { percent: 100 }));
    chat.addEventListener("file.upload.error", ({ data }) =>
      this.#progress(data.file.source, { error: data.error.message }),
    );
  }

  #progress(source: File, change: Partial<Upload>): void {
    const upload = this.#uploads.get(source);
    if (!upload) return;
    Object.assign(upload, change);
    this.#store.changed();
  }
}
