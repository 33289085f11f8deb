// Runs of several clients in turns, so that what else the machine does meets all of them alike.

/**
 * Runs every name once a round, in turns; the first round warms up and is discarded. Returns for each name
 * what `run(name)` returned in each round.
 */
export async function alternate(names, rounds, run) {
  const taken = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    // Each round begins with another name, so that none always follows the same one.
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const result = await run(name);
      console.error(`${round === 0 ? "warm-up" : `round ${round}`}  ${name}  ${shown(result)}`);
      if (round > 0) taken[name].push(result);
    }
  }
  return taken;
}

/** The series of a measure: one value a round for each name. */
export function series(taken, value) {
  return Object.entries(taken).map(([name, results]) => ({ name, values: results.map(value) }));
}

/** The value below which a share of the others is. */
export function percentile(values, share) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function shown(result) {
  const entries = Object.entries(result).filter(([, value]) => typeof value === "number");
  return entries.map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`).join("  ");
}
