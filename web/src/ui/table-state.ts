// How somebody likes a table: columns, their widths, order. Kept in the browser.
import { type Signal, signal } from "@preact/signals";

export interface Sort {
  key: string;
  descending: boolean;
}

export interface Layout {
  hidden: string[];
  widths: Record<string, number>;
  /** Keys as somebody put them; columns that are not among them stay where they were. */
  order: string[];
}

const known = new Map<string, Signal<Layout>>();

/** The layout of the table `name`, shared by all that show it. */
export function layoutOf(name: string, hidden: string[]): Signal<Layout> {
  const found = known.get(name);
  if (found) return found;
  const made = signal<Layout>({ hidden, widths: {}, order: [] });
  try {
    const kept = localStorage.getItem(`table.${name}`);
    if (kept) made.value = { ...made.value, ...(JSON.parse(kept) as Partial<Layout>) };
  } catch {
    // Broken or forbidden: as if nothing was kept.
  }
  made.subscribe((layout) => localStorage.setItem(`table.${name}`, JSON.stringify(layout)));
  known.set(name, made);
  return made;
}

/** Columns in somebody's order; one that it does not name follows the one it follows by itself. */
export function arranged<C extends { key: string }>(columns: C[], order: string[]): C[] {
  const placed = order.flatMap((key) => columns.find((column) => column.key === key) ?? []);
  columns.forEach((column, at) => {
    if (placed.includes(column)) return;
    const before = columns[at - 1];
    placed.splice(before ? placed.indexOf(before) + 1 : 0, 0, column);
  });
  return placed;
}

/** `keys` with one of them so many places further on. */
export function moved(keys: string[], key: string, by: number): string[] {
  const from = keys.indexOf(key);
  const to = Math.max(0, Math.min(keys.length - 1, from + by));
  return movedTo(keys, key, keys[to] ?? key);
}

/** `keys` with one of them in the place of another, which makes way. */
export function movedTo(keys: string[], key: string, place: string): string[] {
  const [from, to] = [keys.indexOf(key), keys.indexOf(place)];
  const left = keys.filter((one) => one !== key);
  if (from < 0 || to < 0) return keys;
  left.splice(to, 0, key);
  return left;
}

/** `-started` and `started`, as they stand in an address. */
export const sortText = (sort: Sort): string => (sort.descending ? "-" : "") + sort.key;
export function parseSort(text: string | null, otherwise: Sort): Sort {
  if (!text) return otherwise;
  return text.startsWith("-")
    ? { key: text.slice(1), descending: true }
    : { key: text, descending: false };
}

/** The order of names, with the numbers in them as numbers. One collator for all: to make one takes
 * longer than to sort a thousand names. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;

/** The order of values that may be missing: those come last, whichever way it goes. */
export function compareValues(a: unknown, b: unknown, descending: boolean): number {
  const missing = (x: unknown) => x === undefined || x === null || x === "" || Number.isNaN(x);
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order =
    typeof a === "number" && typeof b === "number" ? a - b : byName(String(a), String(b));
  return descending ? -order : order;
}
