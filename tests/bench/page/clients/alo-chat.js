import { AloChat } from "alo-chat";

export async function connect({ origin, channels, onContent, authToken = "a-token" }) {
  const chat = new AloChat({ endpoint: origin, authToken });
  chat.addEventListener("message.new", ({ data }) => onContent(data.message.content));
  const { status } = await chat.subscribe({ channelIds: channels });
  if (status.error) throw new Error(status.errorData.message);
  return { close: () => chat.dispose() };
}
