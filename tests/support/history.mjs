// A channel's log as a gateway keeps it, with pages and tokens, in memory.

export class History {
  #messages = [];
  #seq = 0;

  /** From the oldest to the newest. */
  get messages() {
    return this.#messages;
  }

  get newest() {
    return this.#messages.at(-1);
  }

  /** Other events may stand between messages: `skip` of them. */
  write({ skip = 0, ...fields } = {}) {
    this.#seq += 1 + skip;
    const id = `m${this.#seq}`;
    const message = { id, seq: this.#seq, channelId: "alpha", userId: "ada", content: `message ${id}`, ...fields };
    this.#messages.push({ timestamp: String(this.#seq * 1000), metadata: {}, files: [], ...message });
    return this.newest;
  }

  /** The answer of `fetchHistory`, or undefined for a token of nothing. */
  page({ limit = 100, olderPageToken, newerPageToken } = {}) {
    const [all, count] = [this.#messages, this.#messages.length];
    if (olderPageToken !== undefined) {
      const at = this.#index("o", olderPageToken);
      return at < 0 ? undefined : this.#slice(Math.max(0, at - limit), at);
    }
    if (newerPageToken !== undefined) {
      const at = this.#index("n", newerPageToken);
      return at < 0 ? undefined : this.#slice(at + 1, Math.min(count, at + 1 + limit));
    }
    return this.#slice(Math.max(0, all.length - limit), count);
  }

  /** The answer of `fetchHistoryAround`, or undefined. */
  around({ messageId, limit = 100 }) {
    const at = this.#messages.findIndex(({ id }) => id === messageId);
    return at < 0 ? undefined : this.#slice(Math.max(0, at - limit), Math.min(this.#messages.length, at + limit + 1));
  }

  #index(kind, token) {
    return this.#messages.findIndex(({ id }) => token === `${kind}:${id}`);
  }

  #slice(start, end) {
    const messages = this.#messages.slice(start, end);
    return {
      messages: messages.map((message) => ({ ...message })).reverse(),
      ...(start > 0 && messages.length > 0 && { olderPageToken: `o:${messages[0].id}` }),
      ...(end < this.#messages.length && messages.length > 0 && { newerPageToken: `n:${messages.at(-1).id}` }),
      cursor: { epoch: "e", seq: this.#seq },
    };
  }
}
