// Connects one client after another and counts what they hear.

import { expect, heard, onContent } from "./hearing.js";

/** Each in a file of its own, loaded when it is asked for. */
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
  heard,

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
