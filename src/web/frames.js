/**
 * Hears the frames of a socket. A frame is parsed and a push taken apart here: from wasm every look at a value is
 * a call.
 *
 * An event of a log (a channel in one epoch) goes to `push` with the number that `log` once gave for the two;
 * all else goes to `item`. Both learn the time and whether the frame ends with it.
 */
export function hear(socket, log, push, item) {
  const logs = new Map();

  function take(value, time, isLast) {
    const { channel, epoch, seq, event } = value ?? {};
    if (typeof seq !== "number" || typeof channel !== "string" || typeof epoch !== "string") {
      item(value, time, isLast);
      return;
    }
    let known = logs.get(channel);
    if (known?.epoch !== epoch) logs.set(channel, (known = { epoch, number: log(channel, epoch) }));
    push(known.number, seq, event, time, isLast);
  }

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
}
