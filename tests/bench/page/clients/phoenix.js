import { Socket } from "phoenix";

export async function connect({ origin, channels, onContent }) {
  const socket = new Socket(`${origin.replace("http", "ws")}/socket`);
  socket.connect();
  for (const topic of channels) {
    const channel = socket.channel(topic);
    channel.on("message.new", ({ message }) => onContent(message.content));
    await new Promise((joined, failed) =>
      channel.join().receive("ok", joined).receive("error", failed).receive("timeout", failed),
    );
  }
  return { close: () => socket.disconnect() };
}
