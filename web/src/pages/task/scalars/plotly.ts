// Plots come as Plotly's JSON. What can be drawn with little is drawn; the rest is said. No I/O.

export interface Trace {
  name: string;
  x: (number | string)[];
  y: (number | string)[];
  /** Lines, points, or bars. */
  as: "line" | "points" | "bars";
}

export type Plot =
  | { kind: "table"; columns: string[]; rows: string[][] }
  | { kind: "xy"; traces: Trace[]; xTitle: string; yTitle: string }
  | { kind: "heat"; z: number[][]; x: string[]; y: string[] }
  | { kind: "other"; types: string[] };

type Json = Record<string, unknown>;

/** What a plot shows. Raises SyntaxError for what is no JSON. */
export function readPlot(text: string): Plot {
  const figure = JSON.parse(text) as { data?: Json[]; layout?: Json };
  const data = figure.data ?? [];
  const types = data.map(({ type }) => String(type ?? "scatter"));
  const [first] = data;
  if (first && types[0] === "table") return table(first);
  if (first && types[0] === "heatmap")
    return {
      kind: "heat",
      z: list(first.z).map((row) => list(row).map(Number)),
      x: list(first.x).map(String),
      y: list(first.y).map(String),
    };
  const drawn = ["scatter", "scattergl", "bar"];
  if (!data.length || types.some((type) => !drawn.includes(type))) return { kind: "other", types };
  return {
    kind: "xy",
    traces: data.map((trace, at) => traceOf(trace, at)),
    xTitle: title(figure.layout?.xaxis),
    yTitle: title(figure.layout?.yaxis),
  };
}

function traceOf(trace: Json, at: number): Trace {
  const y = list(trace.y) as (number | string)[];
  const x = trace.x === undefined ? y.map((_, i) => i) : (list(trace.x) as (number | string)[]);
  const mode = String(trace.mode ?? "lines");
  const as = trace.type === "bar" ? "bars" : mode.includes("lines") ? "line" : "points";
  return { name: String(trace.name ?? `series ${at + 1}`), x, y, as };
}

function table(trace: Json): Plot {
  const header = list((trace.header as Json | undefined)?.values).map(cell);
  const columns = list((trace.cells as Json | undefined)?.values).map((column) =>
    list(column).map(cell),
  );
  const length = Math.max(0, ...columns.map((column) => column.length));
  const rows = Array.from({ length }, (_, at) => columns.map((column) => column[at] ?? ""));
  return { kind: "table", columns: header, rows };
}

/** Cells may be wrapped in a list, and marked up. */
const cell = (found: unknown): string =>
  String(Array.isArray(found) ? (found[0] ?? "") : (found ?? "")).replace(/<[^>]*>/g, "");

/** Numbers may be packed: `{bdata, dtype}`; those stay away. */
const list = (found: unknown): unknown[] => (Array.isArray(found) ? found : []);

function title(axis: unknown): string {
  const found = (axis as Json | undefined)?.title;
  return typeof found === "string" ? found : String((found as Json | undefined)?.text ?? "");
}

/** Places of values on an axis of a length: numbers by size, words by their order. */
export function scale(
  values: (number | string)[],
  length: number,
): (value: number | string) => number {
  const numbers = values.map(Number);
  if (values.length && numbers.every(Number.isFinite)) {
    const low = Math.min(...numbers);
    const room = Math.max(...numbers) - low || 1;
    return (value) => ((Number(value) - low) / room) * length;
  }
  const words = [...new Set(values.map(String))];
  const step = length / Math.max(1, words.length - 1);
  const places = new Map(words.map((word, at) => [word, at * step]));
  return (value) => places.get(String(value)) ?? 0;
}
