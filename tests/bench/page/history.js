// Loads the newest page of a channel in three ways and takes the time of each.

import { AloChat } from "alo-chat";

import { connectRaw } from "./clients/raw.js";

/** What to load with: `load` resolves to the messages. */
const LOADERS = {
  async "alo-chat"(origin, channelId) {
    const chat = new AloChat({ endpoint: origin, authToken: "a-token" });
    const { status } = await chat.connect();
    if (status.error) throw new Error(status.errorData.message);
    return {
      async load() {
        const { status, response } = await chat.fetchHistory({ channelId });
        if (status.error) throw new Error(status.errorData.message);
        return response.messages;
      },
      close: () => chat.dispose(),
    };
  },
  async socket(origin, channelId) {
    const raw = await connectRaw(origin, "/v1/connect", "a-token");
    return {
      load: async () => (await raw.history(channelId)).result.messages,
      close: raw.close,
    };
  },
  async fetch(origin, channelId) {
    return {
      async load() {
        const response = await fetch(`${origin}/history?channel=${channelId}`);
        return (await response.json()).messages;
      },
      close() {},
    };
  },
};

globalThis.bench = {
  /** Milliseconds from the call to the array, `count` times one after the other, and the last page. */
  async pages(loader, origin, channelId, count) {
    const { load, close } = await LOADERS[loader](origin, channelId);
    // The connection of `fetch` stands from here on too.
    let last = await load();
    const each = [];
    for (let index = 0; index < count; index++) {
      const started = performance.now();
      last = await load();
      each.push(performance.now() - started);
    }
    await close();
    return { each, last };
  },
};
