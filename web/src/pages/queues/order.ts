// The order of those that wait: the part of it that was read, and as somebody changes it. No I/O.

export interface Row {
  id: string;
  name: string;
  user: string | null;
  /** When it came; empty in a row that was not read. */
  added: string;
  priority: number;
  /** From 1. */
  position: number;
  why: string;
  hint: string;
}

/** Rows to read, `first` counted from 0. */
export interface Part {
  first: number;
  limit: number;
}

const STEP = 60;

/** The part to read so that the rows from `first` to `end` can be seen, and those around them. It
 * stays the same while somebody scrolls a little. */
export function partFor(first: number, end: number): Part {
  const from = Math.max(0, (Math.floor(first / STEP) - 1) * STEP);
  const to = (Math.floor(end / STEP) + 2) * STEP;
  return { first: from, limit: to - from };
}

/** What rows are called that were not read: by their places, until the server tells their ids. */
const UNREAD = "#";
export const isRead = (id: string): boolean => !id.startsWith(UNREAD);
/** The index that an id of {@link isRead} stands for. */
export const unreadAt = (id: string): number => Number(id.slice(UNREAD.length));

const unread: Row[] = [];
function blank(at: number): Row {
  unread[at] ??= {
    id: `${UNREAD}${at}`,
    name: "",
    user: null,
    added: "",
    priority: 0,
    position: at + 1,
    why: "",
    hint: "",
  };
  return unread[at];
}

/** All rows of a queue of which a part was read. */
export function spread(first: number, read: Row[], total: number): Row[] {
  return Array.from({ length: total }, (_, at) => read[at - first] ?? blank(at));
}

/** The rows in another order of ids, without those that left; as they are if they have others: what
 * came meanwhile, or another part that was read. */
export function inOrder(rows: Row[], ids: string[]): Row[] {
  const ordered = new Set(ids);
  if (!rows.every(({ id }) => ordered.has(id))) return rows;
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id, at) => {
    const row = byId.get(id);
    return row ? [row.position === at + 1 ? row : { ...row, position: at + 1 }] : [];
  });
}

/** `ids` with those that are `moved` put, in their own order, before the one at `to` (an index of
 * `ids` as it is; its length for the end). */
export function reordered(ids: string[], moved: ReadonlySet<string>, to: number): string[] {
  const taken = ids.filter((id) => moved.has(id));
  const before = ids.slice(0, to).filter((id) => !moved.has(id));
  const after = ids.slice(to).filter((id) => !moved.has(id));
  return [...before, ...taken, ...after];
}

/** Where `queues.move_tasks` puts what is moved to there: ahead of the first of those that come
 * next and still waits, else behind so many others. */
export interface Aim {
  before: string[];
  ahead?: number;
}

const NEXT = 50;

export function aimAt(ids: string[], moved: ReadonlySet<string>, to: number): Aim {
  const others = (part: string[]) => part.filter((id) => !moved.has(id));
  const next = others(ids.slice(to));
  if (!next.length) return { before: [] };
  const ahead = others(ids.slice(0, to)).length;
  // The front is the front, whoever comes there meanwhile.
  return { before: ahead ? next.filter(isRead).slice(0, NEXT) : [], ahead };
}

/** The place at which a pointer drops what it drags: the gap nearest to it. */
export function gapAt(y: number, row: number, total: number): number {
  return Math.max(0, Math.min(total, Math.round(y / row)));
}
