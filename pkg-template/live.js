// What is true only at the moment.

import { channelId } from "./check.js";

/** How often `typing.start` of a channel is sent at most, milliseconds. */
export const TYPING_MS = 3_000;
/** Who is not reported again within this time has stopped typing; the report of it was lost. */
const EXPIRY_MS = 10_000;
const DEVICE = "alo-chat-device";
const random = Math.random().toString(36).slice(2);

/** This browser, or this page where nothing can be kept. */
export function ownDevice() {
  try {
    return channelId(DEVICE, (localStorage[DEVICE] ||= random));
  } catch {
    return random;
  }
}

/** Takes an event of typing; true if it reports what `typists` has already, by who types. */
export function isKnown({ type, data }, typists, dispatch) {
  if (!type.startsWith("typing")) return false;
  const isStart = type === "typing.start";
  const who = JSON.stringify(data);
  const timer = typists.get(who);
  clearTimeout(timer);
  if (isStart) typists.set(who, setTimeout(dispatch, EXPIRY_MS, { type: "typing.stop", data }));
  else typists.delete(who);
  return isStart === !!timer;
}
