// No protocol but the frames of alo.v1.json; the one frame of the client is the list of its channels.

export { event } from "./alo.mjs";

export const path = "/bare";

export function accept({ send, listen, subscribed }) {
  listen((text) => {
    subscribed(JSON.parse(text));
    send({ subscribed: true });
  });
}
