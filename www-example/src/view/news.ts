// Says what others have just written in the open channel.

import { plainText } from "../sanitize.ts";
import type { Channel } from "../state/store.ts";
import type { StoredEntry } from "../state/types.ts";
import type { Context } from "./context.ts";

/** More than these at once are counted, not read. */
const READ = 3;

export class News {
  readonly #context: Context;
  #channel?: Channel;
  /** `seq` of the newest message that is no news any more; a page that is loaded is none. */
  #known: number | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  render(channel: Channel): void {
    const { log } = channel;
    const known = this.#channel === channel ? this.#known : undefined;
    this.#channel = channel;
    this.#known = log.atPresent ? (log.newest?.seq ?? 0) : undefined;
    if (known === undefined || this.#known === undefined || this.#known <= known) return;
    const fresh: StoredEntry[] = [];
    for (const entry of log.stored) if (entry.seq > known && !entry.own) fresh.push(entry);
    if (fresh.length > READ) this.#context.announce(`${fresh.length} new messages`);
    else if (fresh.length > 0) this.#context.announce(fresh.map(say).join(". "));
  }
}

function say({ userId, content, files }: StoredEntry): string {
  const text = plainText(content) || files.map(({ name }) => name).join(", ");
  return `${userId}: ${text.slice(0, 300)}`;
}
