// A WebSocket, JSON.parse and a call: nothing can do less.

/** Subscribes to the channels; `onContent` receives the text of each message. */
export function connect({ origin, channels, onContent }) {
  const socket = new WebSocket(`${origin.replace("http", "ws")}/bare`);
  return new Promise((connected, failed) => {
    socket.onerror = () => failed(new Error("the socket failed"));
    socket.onopen = () => socket.send(JSON.stringify(channels));
    socket.onmessage = () => {
      socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data);
        if (Array.isArray(frame)) {
          for (const item of frame) onContent(item.event.data.message.content);
        } else {
          onContent(frame.event.data.message.content);
        }
      };
      connected({ close: () => socket.close() });
    };
  });
}
