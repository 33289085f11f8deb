// Sends messages in four ways and takes the time of each.

import { AloChat } from "alo-chat";

import { connectRaw } from "./clients/raw.js";

/** What to send with: `send` resolves when the message is answered, and throws when that is no success. */
const SENDERS = {
  async "alo-chat"({ endpoint, authToken, channelId }) {
    const chat = new AloChat({ endpoint, authToken });
    const { status } = await chat.connect();
    if (status.error) throw new Error(status.errorData.message);
    return {
      async send(content) {
        const { status } = await chat.sendMessage({ channelId, content });
        if (status.error) throw new Error(status.errorData.message);
      },
      close: () => chat.dispose(),
    };
  },
  async gateway({ endpoint, authToken, channelId }) {
    const raw = await connectRaw(endpoint, "/v1/connect", authToken);
    return {
      async send(content) {
        const { error } = await raw.send(channelId, content);
        if (error) throw new Error(error.message);
      },
      close: raw.close,
    };
  },
  async echo({ stub, channelId }) {
    const raw = await connectRaw(stub, "/echo");
    return { send: (content) => raw.send(channelId, content), close: raw.close };
  },
  async fetch({ endpoint, apiKey, userId, channelId }) {
    const headers = { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" };
    return {
      async send(content) {
        const response = await fetch(`${endpoint}/channels/${channelId}/chat_messages`, {
          method: "PUT",
          headers,
          body: JSON.stringify({ user_id: userId, content }),
        });
        const { id } = await response.json();
        if (!response.ok || !id) throw new Error(`the gateway answered with ${response.status}`);
      },
      close() {},
    };
  },
};

globalThis.bench = {
  /** Milliseconds each of `count` messages took, sent all at once or one after the other, and all together. */
  async sends(sender, options, count, pipelined) {
    const { send, close } = await SENDERS[sender](options);
    const timed = async (index) => {
      const started = performance.now();
      await send(`${String(index).padStart(8, "0")} Hello there, how are you?`);
      return performance.now() - started;
    };
    const started = performance.now();
    const each = [];
    if (pipelined) {
      each.push(...(await Promise.all(Array.from({ length: count }, (_, index) => timed(index)))));
    } else {
      for (let index = 0; index < count; index++) each.push(await timed(index));
    }
    const all = performance.now() - started;
    await close();
    return { each, all };
  },
};
