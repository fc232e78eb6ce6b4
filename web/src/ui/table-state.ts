// How somebody likes a table: columns, their widths, order. Kept in the browser.
import { type Signal, signal } from "@preact/signals";

export interface Sort {
  key: string;
  descending: boolean;
}

export interface Layout {
  hidden: string[];
  widths: Record<string, number>;
}

const known = new Map<string, Signal<Layout>>();

/** The layout of the table `name`, shared by all that show it. */
export function layoutOf(name: string, hidden: string[]): Signal<Layout> {
  const found = known.get(name);
  if (found) return found;
  const made = signal<Layout>({ hidden, widths: {} });
  try {
    const kept = localStorage.getItem(`table.${name}`);
    if (kept) made.value = JSON.parse(kept) as Layout;
  } catch {
    // Broken or forbidden: as if nothing was kept.
  }
  made.subscribe((layout) => localStorage.setItem(`table.${name}`, JSON.stringify(layout)));
  known.set(name, made);
  return made;
}

/** `-started` and `started`, as they stand in an address. */
export const sortText = (sort: Sort): string => (sort.descending ? "-" : "") + sort.key;
export function parseSort(text: string | null, otherwise: Sort): Sort {
  if (!text) return otherwise;
  return text.startsWith("-")
    ? { key: text.slice(1), descending: true }
    : { key: text, descending: false };
}

/** The order of values that may be missing: those come last, whichever way it goes. */
export function compareValues(a: unknown, b: unknown, descending: boolean): number {
  const missing = (x: unknown) => x === undefined || x === null || x === "" || Number.isNaN(x);
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order =
    typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), "en", { numeric: true });
  return descending ? -order : order;
}
