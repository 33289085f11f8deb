// alo.v1.json, as described in docs/protocol.md.

import { message } from "./message.mjs";

export const path = "/v1/connect";

const EPOCH = "bench0";

export function accept({ send, listen, subscribed }) {
  const channels = [];
  listen((text) => {
    const { hello, id, method, params, ping } = JSON.parse(text);
    if (hello) send({ welcome: welcome() });
    if (ping !== undefined) send({ pong: ping });
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
    channels: [],
  };
}
