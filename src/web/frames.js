// What is heard on a socket; socket.rs names these.
const OPENED = 0;
const CLOSED = 1;
const ITEM = 2;
const LOG = 3;
const PUSH = 4;

/**
 * Hears a socket. A frame is parsed and a push taken apart here: from wasm every look at a value is a call.
 *
 * An event of a log (a channel in one epoch) is told with the number that the log, told before, has got; all
 * else as it is. Both with the time and whether the frame ends with it.
 *
 * Gives a function that ends the socket, which is then heard no more.
 */
export function hear(socket, ear) {
  const logs = new Map();
  let count = 0;

  function take(value, time, isLast) {
    const { channel, epoch, seq, event } = value ?? {};
    if (typeof seq !== "number" || typeof channel !== "string" || typeof epoch !== "string") {
      ear.tell(ITEM, value, 0, time, isLast);
      return;
    }
    let known = logs.get(channel);
    if (known?.epoch !== epoch) {
      logs.set(channel, (known = { epoch, number: PUSH + count++ }));
      ear.tell(LOG, [channel, epoch], 0, time, false);
    }
    ear.tell(known.number, event, seq, time, isLast);
  }

  socket.onopen = () => ear.tell(OPENED, null, 0, 0, true);
  socket.onclose = ({ code }) => ear.tell(CLOSED, null, code, 0, true);
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
    // "Done", the only code below 3000 that a page may give.
    socket.close(1000);
    // Not now: it may be what has ended the socket.
    queueMicrotask(() => ear.free());
  };
}

/** Tells a listener, whose errors are its own. */
export function tell(listener, event) {
  try {
    listener(event);
  } catch (error) {
    reportError(error);
  }
}
