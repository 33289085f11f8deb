// What a file is, as far as the page must know.

/** Images a browser shows and that cannot run script. Never SVG. */
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

/** Larger ones are cards: a preview is not worth their download. */
const PREVIEW_BYTES = 20 * 1024 * 1024;

export const MAX_FILES = 32;

/** The type under which a file may be previewed, if it may. */
export function previewType(contentType: string, size: number): string | undefined {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return IMAGES.has(type) && size > 0 && size <= PREVIEW_BYTES ? type : undefined;
}

const UNITS = ["bytes", "KB", "MB", "GB"] as const;

export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  if (bytes === 1) return "1 byte";
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** The last part of a name, as a mark on its card. */
export function extension(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 && name.length - dot <= 6 ? name.slice(dot + 1) : "";
}
