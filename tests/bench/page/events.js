// Connects one client after another and counts what they receive.

import { expect, received, onContent } from "./listening.js";

/** Each in a file of its own, loaded on demand. */
const CLIENTS = {
  bare: () => import("./clients/bare.js"),
  "alo-chat": () => import("./clients/alo-chat.js"),
  centrifuge: () => import("./clients/centrifuge.js"),
  phoenix: () => import("./clients/phoenix.js"),
  "stream-chat": () => import("./clients/stream-chat.js"),
};

let connection;

globalThis.bench = {
  expect,
  received,

  /** Connects a client and subscribes to `channels`. */
  async connect(name, origin, channels) {
    const { connect } = await CLIENTS[name]();
    connection = await connect({ origin, channels, onContent });
  },

  async close() {
    await connection.close();
    connection = undefined;
  },
};
