// What a socket reports; socket.rs has the same names.
const OPENED = 0;
const CLOSED = 1;
const ITEM = 2;
const LOG = 3;
const PUSH = 4;

/**
 * Listens to a socket, which may be open already. A frame is parsed and a push taken apart here: from wasm
 * every look at a value is a call.
 *
 * An event of a log (a channel in one epoch) is reported with the number that the log, reported before, has
 * got; all else as it is. Both with the time and whether the frame ends with it.
 *
 * Returns a function that closes the socket, of which nothing more is reported.
 */
export function listen(socket, listener) {
  const logs = new Map();

  function take(value, time, isLast) {
    // A signal is a push without a place in the log.
    const { channel, epoch, seq, event } = value?.signal ? { epoch: "", seq: 0, ...value.signal } : value ?? {};
    if (typeof seq !== "number" || typeof channel !== "string" || typeof epoch !== "string") {
      listener.receive(ITEM, value, 0, time, isLast);
      return;
    }
    const log = `${epoch} ${channel}`;
    if (!logs.has(log)) {
      logs.set(log, PUSH + logs.size);
      listener.receive(LOG, [channel, epoch], 0, time, false);
    }
    listener.receive(logs.get(log), event, seq, time, isLast);
  }

  socket.onopen = () => listener.receive(OPENED, null, 0, performance.now(), true);
  // Opened before there was a listener. Deferred: the engine is running.
  if (socket.readyState === WebSocket.OPEN) queueMicrotask(() => socket.onopen?.());
  socket.onclose = ({ code }) => listener.receive(CLOSED, null, code, performance.now(), true);
  socket.onmessage = ({ data, timeStamp }) => {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (Array.isArray(frame)) frame.forEach((value, index) => take(value, timeStamp, index === frame.length - 1));
    else take(frame, timeStamp, true);
  };

  return () => {
    socket.onopen = socket.onclose = socket.onmessage = null;
    // "Done", the only code below 3000 that a page may use.
    socket.close(1000);
    // Deferred: the engine may be what has closed the socket.
    queueMicrotask(() => listener.free());
  };
}

/** Sends a frame; `body` is the user's JSON text, which never enters wasm memory. */
export function send(socket, head, body, tail) {
  socket.send(head + (body ?? "") + tail);
}
