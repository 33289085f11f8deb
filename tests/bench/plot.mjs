// Draws a benchmark's results: node plot.mjs RESULTS.json PLOT.svg

import { readFile, writeFile } from "node:fs/promises";

import * as vega from "vega";
import { compile } from "vega-lite";

/** What series of our own are called: the client, the server. */
const OWN = ["alo-chat", "gateway"];
/** Readable on white and on black; the text changes with the reader's choice, see STYLE. */
const COLOURS = { own: "#e8590c", other: "#7c8ea6", line: "#8a8a8a" };
/** Stronger than the attributes in the SVG. */
const STYLE = `<style>
text { fill: #24292f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
</style>`;

const [input, output] = process.argv.slice(2);
const { measures } = JSON.parse(await readFile(input, "utf8"));
const spec = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  background: null,
  config: {
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { grid: false, domainColor: COLOURS.line, tickColor: COLOURS.line, labelFontSize: 12, labelLimit: 400 },
    title: { fontSize: 13, anchor: "start", frame: "group" },
  },
  resolve: { scale: { x: "independent", y: "independent" } },
  vconcat: measures.map(chart),
};
const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
const svg = await view.toSVG();
await writeFile(output, `${svg.replace(/(<svg[^>]*>)/, `$1${STYLE}`)}\n`);

/** One bar a series, as long as the median, with a line from the smallest value to the largest. */
function chart({ title, unit, series }) {
  const values = series.filter(({ values }) => values.length > 0).map(summary);
  const y = { field: "name", type: "nominal", sort: null, axis: { title: null, ticks: false, domain: false } };
  return {
    title: `${title} (${unit})`,
    width: 480,
    height: { step: 22 },
    data: { values },
    encoding: { y },
    layer: [
      {
        mark: { type: "bar", height: { band: 0.7 } },
        encoding: {
          x: { field: "median", type: "quantitative", axis: { title: null, tickCount: 5 } },
          color: {
            condition: { test: "datum.own", value: COLOURS.own },
            value: COLOURS.other,
          },
        },
      },
      {
        mark: { type: "rule", color: COLOURS.line, strokeWidth: 2 },
        encoding: { x: { field: "min", type: "quantitative" }, x2: { field: "max" } },
      },
    ],
  };
}

function summary({ name, values }) {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
  return { name, median, min: sorted[0], max: sorted.at(-1), own: OWN.some((own) => name.startsWith(own)) };
}
