// The message that every protocol carries: about 200 bytes as JSON.

/** Message `number` of a channel. */
export function message(channel, number) {
  return {
    id: `0192f3a4-7b5c-7def-8123-${String(number).padStart(12, "0")}`,
    channelId: channel,
    userId: "ada",
    timestamp: String(1_700_000_000_000 + number),
    content: content(number),
    metadata: {},
    i18n: {},
    files: [],
    actions: [],
  };
}

/** Message `number` as history shows it. */
export function storedMessage(channel, number) {
  return { ...message(channel, number), seq: number + 1 };
}

/** Its text, which begins with its number. */
export function content(number) {
  return `${String(number).padStart(8, "0")} Hello there, how are you?`;
}
