// Centrifugo's JSON protocol: <https://centrifugal.dev/docs/transports/client_protocol>

import { message } from "./message.mjs";

export const path = "/connection/websocket";

export function accept({ send, listen, subscribed }) {
  const channels = [];
  listen((text) => {
    // One command a line; an empty one answers a ping.
    for (const line of text.split("\n")) {
      const { id, connect, subscribe } = JSON.parse(line);
      if (connect) send({ id, connect: { client: "bench", version: "6.0.0", ping: 25, pong: true } });
      if (!subscribe) continue;
      send({ id, subscribe: {} });
      channels.push(subscribe.channel);
      subscribed(channels);
    }
  });
}

export function event({ channel, number }) {
  const data = { type: "message.new", data: { message: message(channel, number) } };
  return JSON.stringify({ push: { channel, pub: { data } } });
}
