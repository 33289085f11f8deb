// One server for all clients: small stubs of their protocols, and an echo.
//
// It reports its address to the process that started it, and sends events on command.

import { once } from "node:events";
import { createServer } from "node:http";

import { WebSocketServer } from "ws";

import * as alo from "./alo.mjs";
import * as bare from "./bare.mjs";
import * as centrifuge from "./centrifuge.mjs";
import * as phoenix from "./phoenix.mjs";
import * as streamChat from "./stream-chat.mjs";

/** How a protocol answers a connection, and how it writes an event. */
const PROTOCOLS = [alo, bare, centrifuge, phoenix, streamChat];

/** As the gateway fills a frame: see gateway/src/frames.rs. */
const FRAME_ITEMS = 256;
const FRAME_BYTES = 16 * 1024;

/** After so many frames the stub waits until they are on their way. */
const AHEAD = 256;

/** The connection that subscribed last: `{socket, protocol, channels, sent}`. */
let audience;

const server = createServer((request, response) => {
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Access-Control-Allow-Headers", request.headers["access-control-request-headers"] ?? "*");
  response.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
  if (request.method === "OPTIONS") return response.writeHead(204).end();
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  if (pathname === alo.historyPath) {
    response.setHeader("Content-Type", "application/json");
    response.setHeader("Cache-Control", "no-store");
    return response.end(alo.history(searchParams.get("channel")));
  }
  request.resume().once("end", () => streamChat.answer(request, response));
});
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket, request) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/echo") {
    socket.on("message", (data) => socket.send(data, { binary: false }));
    return;
  }
  const protocol = PROTOCOLS.find(({ path }) => path === pathname);
  if (!protocol) return socket.close(4404, "no such stub");
  const subscribed = (channels) => (audience = { socket, protocol, channels, sent: 0 });
  const write = (text) => socket.send(text);
  const send = (value) => write(JSON.stringify(value));
  protocol.accept({
    send,
    write,
    subscribed,
    listen: (listener) => socket.on("message", (data) => listener(String(data))),
  });
});

process.on("message", ({ count, burst }) => {
  play(count, burst).catch((error) => process.send({ error: String(error) }));
});

server.listen(0, "127.0.0.1");
await once(server, "listening");
process.send({ origin: `http://127.0.0.1:${server.address().port}` });

async function play(count, burst) {
  const { socket, protocol, channels } = audience;
  const items = [];
  for (let index = 0; index < count; index++) {
    const number = audience.sent++;
    const channel = channels[number % channels.length];
    items.push(protocol.event({ channel, seq: Math.floor(number / channels.length) + 1, number }));
  }
  // As bytes, ahead: writing them is no part of what is measured.
  const frames = (burst ? packed(items) : items).map((text) => Buffer.from(text));
  process.send({});
  for (const [index, frame] of frames.entries()) {
    if ((index + 1) % AHEAD > 0) {
      socket.send(frame, { binary: false });
    } else {
      await new Promise((gone, failed) =>
        socket.send(frame, { binary: false }, (error) => (error ? failed(error) : gone())),
      );
    }
  }
}

function packed(items) {
  const frames = [];
  for (let start = 0; start < items.length; ) {
    let [end, bytes] = [start, 0];
    while (end < items.length && end - start < FRAME_ITEMS && bytes + items[end].length <= FRAME_BYTES) {
      bytes += items[end++].length + 1;
    }
    frames.push(`[${items.slice(start, end).join(",")}]`);
    start = end;
  }
  return frames;
}
