import { Centrifuge } from "centrifuge";

export async function connect({ origin, channels, onContent }) {
  const client = new Centrifuge(`${origin.replace("http", "ws")}/connection/websocket`);
  client.connect();
  for (const channel of channels) {
    const subscription = client.newSubscription(channel);
    subscription.on("publication", ({ data }) => onContent(data.data.message.content));
    subscription.subscribe();
    await subscription.ready(10_000);
  }
  return { close: () => client.disconnect() };
}
