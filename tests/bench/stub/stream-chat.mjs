// As much of Stream's API as its client needs to connect, to watch a channel and to receive its messages.

import { message } from "./message.mjs";

export const path = "/connect";

const USER = { id: "ada", role: "user" };
const SINCE = "2026-01-01T00:00:00Z";

/** The connection made last: a channel is watched over HTTP. */
let latest;

export function accept(connection) {
  latest = connection;
  const me = { ...USER, channel_mutes: [], mutes: [], devices: [] };
  connection.send({ type: "health.check", connection_id: "bench", created_at: SINCE, me });
  connection.listen(() => connection.send({ type: "health.check", connection_id: "bench", created_at: SINCE }));
}

/** Answers an HTTP request. */
export function answer(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const [, type, id] = /^\/channels\/([^/]+)\/([^/]+)\/query$/.exec(pathname) ?? [];
  if (!id) return response.writeHead(404).end();
  const channel = { id, type, cid: `${type}:${id}`, created_at: SINCE, updated_at: SINCE, config: {}, own_capabilities: [] };
  const state = { channel, messages: [], members: [], watchers: [], read: [], pinned_messages: [], threads: [] };
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ ...state, duration: "0ms" }));
  latest.subscribed([id]);
}

export function event({ channel, number }) {
  const { id, content, userId, timestamp } = message(channel, number);
  const created_at = new Date(Number(timestamp)).toISOString();
  const user = { ...USER, id: userId };
  return JSON.stringify({
    type: "message.new",
    cid: `messaging:${channel}`,
    channel_id: channel,
    channel_type: "messaging",
    created_at,
    user,
    message: { id, text: content, type: "regular", cid: `messaging:${channel}`, user, created_at, updated_at: created_at, attachments: [] },
  });
}
