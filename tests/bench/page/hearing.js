// Counts the messages a client hears.

let count = 0;
let expected = 0;
let first;
let last;
let finished;
let end;

/** To be given to a client. */
export function onContent(content) {
  if (count++ === 0) first = performance.now();
  last = content;
  if (count === expected) finished(performance.now());
}

/** To be called before messages are sent. */
export function expect(messages) {
  count = 0;
  expected = messages;
  end = new Promise((resolve) => (finished = resolve));
}

/** Resolves when all have come: milliseconds from the first to the last, and the last one's text. */
export async function heard() {
  return { ms: (await end) - first, last, count };
}
