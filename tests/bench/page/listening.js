// Counts the messages a client receives.

let count = 0;
let expected = 0;
let first;
let last;
let finished;
let end;

/** Passed to a client. */
export function onContent(content) {
  if (count++ === 0) first = performance.now();
  last = content;
  if (count === expected) finished(performance.now());
}

/** Call this before messages are sent. */
export function expect(messages) {
  count = 0;
  expected = messages;
  end = new Promise((resolve) => (finished = resolve));
}

/** Resolves when all have been received: milliseconds from the first to the last, and the last one's text. */
export async function received() {
  return { ms: (await end) - first, last, count };
}
