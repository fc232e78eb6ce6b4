// The order of those that wait, as somebody changes it. No I/O.

/** `ids` with those that are `moved` put, in their own order, before the one at `to` (an index of
 * `ids` as it is; its length for the end). */
export function reordered(ids: string[], moved: ReadonlySet<string>, to: number): string[] {
  const taken = ids.filter((id) => moved.has(id));
  const before = ids.slice(0, to).filter((id) => !moved.has(id));
  const after = ids.slice(to).filter((id) => !moved.has(id));
  return [...before, ...taken, ...after];
}

/** What stands behind the moved ones then: the server puts them before the first of these that
 * still waits. */
export function behind(ids: string[], moved: ReadonlySet<string>, to: number): string[] {
  return ids.slice(to).filter((id) => !moved.has(id));
}

/** The calls that bring an order back: each group of ids and what stands behind it. */
export function restoring(
  before: string[],
  moved: ReadonlySet<string>,
): { tasks: string[]; before: string[] }[] {
  const groups: { tasks: string[]; before: string[] }[] = [];
  before.forEach((id, at) => {
    if (!moved.has(id)) return;
    const last = groups.at(-1);
    if (last && moved.has(before[at - 1] ?? "")) last.tasks.push(id);
    else groups.push({ tasks: [id], before: [] });
    const group = groups.at(-1);
    if (group) group.before = before.slice(at + 1).filter((other) => !moved.has(other));
  });
  return groups;
}

/** The place at which a pointer drops what it drags: the gap nearest to it. */
export function gapAt(y: number, row: number, total: number): number {
  return Math.max(0, Math.min(total, Math.round(y / row)));
}
