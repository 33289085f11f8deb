// Closes at the end of a benchmark what it has opened; passed where the tests' support expects a test.

/** Runs `body` with a scope whose `after` takes what is to be done at the end, last first. */
export async function withScope(body) {
  const ends = [];
  try {
    return await body({ after: (end) => void ends.push(end) });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** Rejects when a promise takes too long: a benchmark that hangs must fail. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`${what}: not done after ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
