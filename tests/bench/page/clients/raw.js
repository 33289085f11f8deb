// Frames of alo.v1.json over a WebSocket by hand, to show the cost of the SDK's own part of a send.

/** How many requests may be unanswered: see `requestsInFlight` in docs/protocol.md. */
const IN_FLIGHT = 256;

/** Connects to a gateway with a token, or to the echo of the stub server without. */
export function connectRaw(origin, path, token) {
  const socket = new WebSocket(`${origin.replace("http", "ws")}${path}`, token ? ["alo.v1.json"] : []);
  const waiting = new Map();
  const queue = [];
  let next = 1;

  function flush() {
    while (queue.length > 0 && waiting.size < IN_FLIGHT) {
      const { id, frame, resolve } = queue.shift();
      waiting.set(id, resolve);
      socket.send(frame);
    }
  }
  function answered(item) {
    const resolve = waiting.get(item.id);
    waiting.delete(item.id);
    flush();
    resolve(item);
  }
  function request(method, params) {
    const id = next++;
    const frame = JSON.stringify({ id, method, params });
    return new Promise((resolve) => {
      queue.push({ id, frame, resolve });
      flush();
    });
  }
  const raw = {
    /** Sends a message; resolves when it is answered. */
    send: (channelId, content) => request("message.send", { key: crypto.randomUUID(), channelId, content }),
    /** Asks for the newest page of a channel. */
    history: (channelId) => request("history", { channelId }),
    close: () => socket.close(),
  };
  return new Promise((connected, failed) => {
    socket.onerror = () => failed(new Error("the socket failed"));
    socket.onclose = ({ code }) => failed(new Error(`the socket closed with ${code}`));
    const open = () => {
      socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data);
        if (Array.isArray(frame)) frame.forEach(answered);
        else answered(frame);
      };
      connected(raw);
    };
    socket.onopen = token ? () => socket.send(JSON.stringify({ hello: { token, sdk: "bench" } })) : open;
    socket.onmessage = open;
  });
}
