// The rows of a channel's list, from top to bottom: its messages, and the marks between them.

import type { Entry } from "./types.ts";

export type Row =
  /** What is before the oldest message that is loaded. */
  | { kind: "older"; key: "older" }
  | { kind: "day"; key: string; time: number }
  | { kind: "unread"; key: "unread" }
  /** `continued` follows a message of the same author. */
  | { kind: "message"; key: string; entry: Entry; continued: boolean }
  /** What is after the newest message that is loaded. */
  | { kind: "newer"; key: "newer" }
  /** The channel may no longer be read. */
  | { kind: "forbidden"; key: "forbidden" };

export interface RowsOf {
  entries: readonly Entry[];
  /** `seq` of the last message that was read, while there are others below it. */
  line: number | undefined;
  /** Whether `entries` begins with the channel's first message. */
  fromBeginning: boolean;
  atPresent: boolean;
  forbidden: boolean;
}

/** Messages of one author within this time are grouped. */
const GROUP_MS = 5 * 60_000;

export function rowsOf({ entries, line, fromBeginning, atPresent, forbidden }: RowsOf): Row[] {
  const rows: Row[] = [{ kind: "older", key: "older" }];
  // The line's position is unknown until the last message that was read is loaded.
  let read = fromBeginning;
  let marked = line === undefined;
  let before: Entry | undefined;
  for (const entry of entries) {
    const newDay = !before || dayOf(before.time) !== dayOf(entry.time);
    if (newDay) rows.push({ kind: "day", key: `day-${entry.key}`, time: entry.time });
    const isRead = line !== undefined && entry.seq !== undefined && entry.seq <= line;
    const first = !marked && !isRead && !entry.own && read;
    if (first) rows.push({ kind: "unread", key: "unread" });
    marked ||= first;
    read ||= isRead;
    const near = before?.userId === entry.userId && entry.time - before.time < GROUP_MS;
    rows.push({ kind: "message", key: entry.key, entry, continued: near && !newDay && !first && !entry.quote });
    before = entry;
  }
  if (forbidden) rows.push({ kind: "forbidden", key: "forbidden" });
  else if (!atPresent) rows.push({ kind: "newer", key: "newer" });
  return rows;
}

/** A number that is the same for all times of a day. */
export function dayOf(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
