// alo.v1.json, as described in docs/protocol.md.

import { message, storedMessage } from "./message.mjs";

export const path = "/v1/connect";

/** Where HTTP serves the page that `history` answers with. */
export const historyPath = "/history";

const EPOCH = "bench0";

/** Messages of that page, and of the channel. */
const PAGE = 100;
const MESSAGES = 10_000;
const pages = new Map();

export function accept({ send, write, listen, subscribed }) {
  const channels = [];
  listen((text) => {
    const { hello, id, method, params, ping } = JSON.parse(text);
    if (hello) send({ welcome: welcome() });
    if (ping !== undefined) send({ pong: ping });
    if (method === "history") write(`{"id":${id},"result":${history(params.channelId)}}`);
    if (method === "unsubscribe") send({ id, result: {} });
    if (method !== "subscribe") return;
    send({ id, result: { channels: params.channels.map(({ id }) => ({ id, cursor: { epoch: EPOCH, seq: 0 } })) } });
    channels.push(...params.channels.map(({ id }) => id));
    subscribed(channels);
  });
}

export function event({ channel, seq, number }) {
  const data = { message: message(channel, number) };
  return JSON.stringify({ channel, epoch: EPOCH, seq, event: { type: "message.new", data } });
}

/** The newest page of a channel as JSON, made once: making it is no part of what is measured. */
export function history(channel) {
  if (!pages.has(channel)) {
    const messages = Array.from({ length: PAGE }, (_, index) => storedMessage(channel, MESSAGES - 1 - index));
    const olderPageToken = `o1${messages.at(-1).id.replaceAll("-", "")}`;
    const cursor = { epoch: EPOCH, seq: MESSAGES };
    pages.set(channel, JSON.stringify({ messages, olderPageToken, cursor }));
  }
  return pages.get(channel);
}

function welcome() {
  return {
    connectionId: "0192f3a4-7b5c-7def-8123-000000000000",
    userId: "ada",
    heartbeatMs: 25_000,
    tokenExpiresInMs: 86_400_000,
    limits: {
      frameBytes: 262_144,
      contentBytes: 65_536,
      metadataBytes: 16_384,
      filesPerMessage: 32,
      fileBytes: 8_589_934_592,
      channelsPerConnection: 1_000,
      requestsInFlight: 256,
    },
  };
}
