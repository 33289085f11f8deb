// The stub server, in a process of its own: it must not share a thread with what is measured.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { within } from "./scope.mjs";

/** Starts it; it ends with the scope. */
export async function startStub(t) {
  const process = fork(fileURLToPath(new URL("../stub/server.mjs", import.meta.url)));
  t.after(async () => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const gone = once(process, "exit");
    process.kill();
    await gone;
  });
  const [{ origin }] = await within(10_000, "the stub server", once(process, "message"));
  return {
    origin,
    /**
     * Sends events to the connection that subscribed last: `count` of them, as many in a frame as the
     * gateway puts there if `burst`. Resolves when the events are made and are about to be sent.
     */
    async play({ count, burst = false }) {
      const answer = once(process, "message");
      process.send({ count, burst });
      const [{ error }] = await within(30_000, "the stub server", answer);
      if (error) throw new Error(`the stub server: ${error}`);
    },
  };
}
