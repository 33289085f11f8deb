// A network that is fast and far away: every byte arrives later, none slower. In a process of its own.

import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { pathToFileURL } from "node:url";

import { within } from "./scope.mjs";

/** Bytes on their way in one direction at most: 200 ms at over 600 MiB/s. */
const IN_FLIGHT = 128 * 1024 * 1024;

/** Starts it before `target`; each way takes half of `roundTripMs`. Returns its address; ends with the scope. */
export async function startDelay(t, target, roundTripMs) {
  const process = fork(new URL(import.meta.url), [target, String(roundTripMs / 2)]);
  t.after(async () => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const gone = once(process, "exit");
    process.kill();
    await gone;
  });
  const [origin] = await within(10_000, "the delaying proxy", once(process, "message"));
  return origin;
}

/** Passes on what comes, each piece `delayMs` after it came, in order. */
function carry(from, to, delayMs) {
  const pieces = [];
  let bytes = 0;
  let timer;
  const release = () => {
    timer = undefined;
    const now = performance.now();
    while (pieces.length > 0 && pieces[0].due <= now) {
      const { piece } = pieces.shift();
      if (piece === undefined) {
        to.end();
        continue;
      }
      bytes -= piece.length;
      to.write(piece);
    }
    if (bytes < IN_FLIGHT && from.isPaused()) from.resume();
    if (pieces.length > 0) timer = setTimeout(release, pieces[0].due - now);
  };
  const take = (piece) => {
    pieces.push({ piece, due: performance.now() + delayMs });
    bytes += piece?.length ?? 0;
    if (bytes + to.writableLength >= IN_FLIGHT) from.pause();
    timer ??= setTimeout(release, delayMs);
  };
  from.on("data", take);
  from.on("end", () => take(undefined));
  from.on("close", () => {
    if (!from.readableEnded) to.destroy();
  });
  to.on("drain", () => bytes < IN_FLIGHT && from.resume());
}

if (process.send && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [target, delay] = process.argv.slice(2);
  const { hostname, port } = new URL(target);
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
    for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
    carry(client, upstream, Number(delay));
    carry(upstream, client, Number(delay));
  });
  server.listen(0, "127.0.0.1", () => process.send(`http://127.0.0.1:${server.address().port}`));
}
