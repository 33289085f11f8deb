// Line icons on a grid of 24, drawn with the colour of the text.

const PATHS = {
  attach:
    "m20.5 11.5-8.6 8.6a5.5 5.5 0 0 1-7.8-7.8l8.9-8.9a3.7 3.7 0 0 1 5.2 5.2l-8.9 8.9a1.8 1.8 0 0 1-2.6-2.6l8.2-8.2",
  send: "M12 19.5V5m-6.5 6.2L12 4.7l6.5 6.5",
  reply: "m9 15-5-5 5-5m-4.5 5H14a6 6 0 0 1 6 6v3",
  close: "m6 6 12 12M18 6 6 18",
  download: "M12 4v11m-5-4.5 5 5 5-5M5 20h14",
  file: "M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5L13.5 3Zm0 0v5.5H19",
  menu: "M4 7h16M4 12h16M4 17h16",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0-14v2m0 16v2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4M2 12h2m16 0h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  moon: "M20.5 14.2A8.5 8.5 0 0 1 9.8 3.5a8.5 8.5 0 1 0 10.7 10.7Z",
  leave: "M9.5 21H6a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h3.5M16 16.5l4.5-4.5L16 7.5m4 4.5H9.5",
  alert: "M12 8v4.5m0 3.5v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  down: "M12 5v14m-6-6 6 6 6-6",
  image:
    "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1Zm4 6.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Zm11 4.5-4.5-4.5L6 20",
  drop: "M12 15.5V4m-4.5 4L12 3.5 16.5 8M4 14v4a2.5 2.5 0 0 0 2.5 2.5h11A2.5 2.5 0 0 0 20 18v-4",
  clock: "M12 7v5l3 2m-3 7a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  retry: "M4 12a8 8 0 0 1 13.9-5.4L20 8.5M20 4v4.5h-4.5M20 12a8 8 0 0 1-13.9 5.4L4 15.5M4 20v-4.5h4.5",
} as const;

export type IconName = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

export function icon(name: IconName): SVGSVGElement {
  return drawing("icon", PATHS[name]);
}

/** The mark of the example: a bubble with a wave in it. */
export function logo(): SVGSVGElement {
  return drawing(
    "logo",
    "M12 2.5c5.5 0 10 3.9 10 8.9s-4.5 8.9-10 8.9c-1 0-1.9-.1-2.8-.4l-4.5 2.3c-.6.3-1.2-.2-1-.8l.8-3.6A8.5 8.5 0 0 1 2 11.4c0-5 4.5-8.9 10-8.9Z",
    "M7.2 12c1.1-2.3 2.4-2.3 3.5 0s2.4 2.3 3.5 0 2-2 2.8-.9",
  );
}

function drawing(kind: string, ...paths: string[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", kind);
  svg.setAttribute("viewBox", "0 0 24 24");
  // It is next to a text or in a button with a label.
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
