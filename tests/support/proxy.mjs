// A TCP proxy that is a bad network: it cuts, delays, throttles and falls silent, by a seeded schedule.

import { once } from "node:events";
import { createServer, connect } from "node:net";
import { setTimeout as after } from "node:timers/promises";

/** Bytes per second of a throttled connection. */
const SLOW = 256 * 1024;
/** A network that is not felt. */
const CALM = { delayMs: 0, bytesPerSecond: Infinity };

export class FaultyProxy {
  #server;
  #target;
  #random;
  #links = new Set();
  #calm;
  #isBad = false;
  #isDown = false;
  #carriedBytes = 0;
  #awaiting = [];
  counts = { connections: 0, cut: 0, delayed: 0, throttled: 0, "half-open": 0, "all cut": 0, "network down": 0 };

  /** `target` is the endpoint behind it; `random` decides; `calm` is the network when all is well. */
  constructor(t, target, random, calm = {}) {
    this.#target = new URL(target);
    this.#random = random;
    this.#calm = { ...CALM, ...calm };
    this.#server = createServer({ noDelay: true }, (client) => void this.#accept(client));
    t.after(async () => {
      this.#isBad = false;
      this.#server.close();
      for (const link of this.#links) this.#cut(link);
    });
  }

  async listen() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Resolves when so many bytes have gone to the target, over all connections. */
  async carried(bytes) {
    if (this.#carriedBytes < bytes) await new Promise((reached) => this.#awaiting.push({ bytes, reached }));
  }

  /** Lets things go wrong, one after another, until the time is over; then all is well again. */
  async trouble(ms) {
    this.#isBad = true;
    const end = Date.now() + ms;
    while (Date.now() < end) {
      await after(20 + this.#random.below(400));
      await this.#fault();
    }
    this.heal();
  }

  heal() {
    this.#isBad = false;
    this.#isDown = false;
    for (const link of this.#links) {
      // A silent connection stays silent.
      if (link.silent) this.#cut(link);
      link.weather = this.#calm;
    }
  }

  async #fault() {
    const links = [...this.#links].filter((link) => !link.silent);
    const link = this.#random.pick(links);
    switch (this.#random.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        if (!link) return;
        this.counts.cut++;
        return this.#cut(link);
      case 4:
      case 5:
        if (!link) return;
        this.counts.delayed++;
        link.weather = { ...this.#calm, delayMs: 20 + this.#random.below(500) };
        return;
      case 6:
      case 7:
        if (!link) return;
        this.counts.throttled++;
        link.weather = { ...this.#calm, bytesPerSecond: SLOW };
        return;
      case 8:
        if (!link) return;
        this.counts["half-open"]++;
        link.silent = true;
        return;
      case 9:
        this.counts["all cut"]++;
        for (const each of links) this.#cut(each);
        return;
      case 10:
        this.counts["network down"]++;
        this.#isDown = true;
        for (const each of links) this.#cut(each);
        await after(this.#random.below(2_000));
        this.#isDown = false;
        return;
      default:
        if (link) link.weather = this.#calm;
    }
  }

  async #accept(client) {
    client.on("error", () => {});
    if (this.#isDown) return client.resetAndDestroy();
    this.counts.connections++;
    const upstream = connect({ host: this.#target.hostname, port: Number(this.#target.port), noDelay: true });
    upstream.on("error", () => {});
    const link = { client, upstream, weather: this.#calm, silent: false };
    this.#links.add(link);
    const ways = [this.#carry(link, client, upstream), this.#carry(link, upstream, client)];
    // An end that is reset is news for the other at once, not when it next sends.
    await Promise.all(ways).catch(() => {});
    if (!link.silent) this.#cut(link);
  }

  async #carry(link, from, to) {
    for await (const chunk of from) {
      // Half-open: both ends stay connected, nothing passes, and neither is notified.
      if (link.silent) continue;
      const { delayMs, bytesPerSecond } = link.weather;
      const wait = delayMs + (chunk.length / bytesPerSecond) * 1_000;
      if (wait >= 1) await after(wait);
      if (link.silent) continue;
      if (to.destroyed) break;
      if (to === link.upstream) this.#count(chunk.length);
      if (!to.write(chunk)) await Promise.race([once(to, "drain"), once(to, "close")]);
    }
    if (!link.silent) to.end();
  }

  #count(bytes) {
    this.#carriedBytes += bytes;
    const due = this.#awaiting.filter((waiting) => waiting.bytes <= this.#carriedBytes);
    this.#awaiting = this.#awaiting.filter((waiting) => !due.includes(waiting));
    for (const { reached } of due) reached();
  }

  #cut(link) {
    this.#links.delete(link);
    link.client.resetAndDestroy();
    link.upstream.resetAndDestroy();
  }
}
