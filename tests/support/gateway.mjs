// Tokens of a gateway, and gateways that a test may kill.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A token, as an app's own server gets one. */
export async function mintToken({ endpoint, apiKey, userId, channelIds }) {
  const response = await fetch(`${endpoint}/v1/auth`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ ttl: 60, user: { id: userId }, channelIds }),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(`POST /v1/auth: ${response.status} ${JSON.stringify(body)}`);
  return body.token;
}

/** A gateway of one's own over a data folder; it can be killed and started again at the same address. */
export class Gateway {
  #binary;
  #data;
  #process;
  #listen = "127.0.0.1:0";
  #flags;
  #log = [];
  apiKey;
  endpoint;

  constructor(t, { binary, data, apiKey, flags = [] }) {
    this.#flags = flags;
    this.#binary = binary;
    this.#data = data;
    this.apiKey = apiKey;
    t.after(async () => {
      await this.kill();
      if (t.passed === false) console.error(this.#log.join("\n"));
    });
  }

  /** Starts it, and resolves when it listens. */
  async start() {
    const flags = ["--listen", this.#listen, "--data", this.#data, "--api-key", this.apiKey, ...this.#flags];
    const gateway = spawn(this.#binary, flags, {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = gateway;
    createInterface({ input: gateway.stderr }).on("line", (line) => this.#log.push(line));
    const lines = createInterface({ input: gateway.stdout });
    await new Promise((listening, failed) => {
      lines.on("line", (line) => {
        this.#log.push(line);
        const [, endpoint] = /^listening on (http:\/\/\S+)/.exec(line) ?? [];
        if (!endpoint) return;
        this.endpoint = endpoint;
        this.#listen = new URL(endpoint).host;
        listening();
      });
      gateway.once("error", failed);
      gateway.once("exit", (code, signal) =>
        failed(new Error(`the gateway ended: ${signal ?? code}\n${this.#log.join("\n")}`)),
      );
    });
  }

  /** SIGKILL: no chance to tidy up. Resolves when it is gone. */
  async kill() {
    const gateway = this.#process;
    this.#process = undefined;
    if (!gateway || gateway.exitCode !== null || gateway.signalCode !== null) return;
    const gone = once(gateway, "exit");
    gateway.kill("SIGKILL");
    await gone;
  }
}
