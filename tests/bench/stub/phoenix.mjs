// Phoenix channels, version 2 of the serializer: `[join_ref, ref, topic, event, payload]`.

import { message } from "./message.mjs";

export const path = "/socket/websocket";

export function accept({ send, listen, subscribed }) {
  const channels = [];
  listen((text) => {
    const [joinRef, ref, topic, event] = JSON.parse(text);
    send([joinRef, ref, topic, "phx_reply", { status: "ok", response: {} }]);
    if (event !== "phx_join") return;
    channels.push(topic);
    subscribed(channels);
  });
}

export function event({ channel, number }) {
  return JSON.stringify([null, null, channel, "message.new", { message: message(channel, number) }]);
}
