// Text that was typed and not sent outlives a reload. Files cannot be kept that way.

import type { Draft } from "./types.ts";

const key = (channelId: string) => `alo-example.draft.${channelId}`;

export function loadDraft(channelId: string): Draft {
  return { text: sessionStorage.getItem(key(channelId)) ?? "", files: [] };
}

export function saveDraft(channelId: string, { text }: Draft): void {
  try {
    if (text) sessionStorage.setItem(key(channelId), text);
    else sessionStorage.removeItem(key(channelId));
  } catch {
    // The storage is full: the draft is still in the page.
  }
}

export function forgetDrafts(channelIds: readonly string[]): void {
  for (const id of channelIds) sessionStorage.removeItem(key(id));
}
