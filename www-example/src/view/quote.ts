import { plainText } from "../sanitize.ts";
import type { Quote } from "../state/types.ts";

/** The answered message in one line. */
export function quoteText({ content, fileNames }: Quote): string {
  return plainText(content) || fileNames || "a message";
}
