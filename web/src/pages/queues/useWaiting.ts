// What waits in a queue, read by parts; moved, taken off and brought back.
import { useMemo, useRef, useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Queue } from "../../api/documents";
import { useFresh } from "../../live/store";
import { plural } from "../../ui/format";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";
import { aimAt, inOrder, type Part, partFor, reordered, type Row, spread } from "./order";

interface Found {
  first: number;
  rows: Row[];
  total: number;
  /** The number of the order, which grows with every move. */
  order: number;
}

/** Where tasks stood: the moves that bring them back, from the last to the first. */
type Stood = { tasks: string[]; before: string[]; ahead: number | null }[];

export interface Waiting {
  /** All rows in order; those that were not read are blank. Undefined until some were. */
  rows: Row[] | undefined;
  /** Tell which rows are seen, `end` being one beyond the last. */
  look: (first: number, end: number) => void;
  /** Tasks in the order in which they wait. */
  inLine: (tasks: ReadonlySet<string>) => Promise<string[]>;
  /** Put tasks ahead of the one at `to`: an index, or the number of rows for the end. */
  move: (tasks: ReadonlySet<string>, to: number) => Promise<void>;
  takeOff: (tasks: ReadonlySet<string>) => Promise<void>;
  toQueue: (tasks: ReadonlySet<string>, other: Queue) => Promise<void>;
}

export function useWaiting({ id: queue, name }: Queue): Waiting {
  const [part, setPart] = useState<Part>(partFor(0, 0));
  const { data, refresh } = useFresh(
    ["waiting", queue, part.first, part.limit],
    (abort) => read(queue, part, abort),
    ["queues", "workers"],
    { every: 400 },
  );
  const last = useRef<Found | undefined>(undefined);
  last.current = data.value ?? last.current;
  const found = last.current;
  // The order as somebody here has just made it, until the server tells the one that is.
  const [ours, setOurs] = useState<string[] | null>(null);
  const rows = useMemo(() => {
    const theirs = found && spread(found.first, found.rows, found.total);
    return theirs && ours ? inOrder(theirs, ours) : theirs;
  }, [found, ours]);
  const ids = useMemo(() => (rows ?? []).map(({ id }) => id), [rows]);

  const inLine = async (tasks: ReadonlySet<string>) => {
    const near = ids.filter((id) => tasks.has(id));
    return near.length === tasks.size ? near : (await whole(queue)).filter((id) => tasks.has(id));
  };
  const restore = async (stood: Stood) => {
    for (const stand of [...stood].reverse()) await call("queues.move_tasks", { queue, ...stand });
    await refresh();
  };
  const move = async (tasks: ReadonlySet<string>, to: number) => {
    const next = reordered(ids, tasks, to);
    if (next.every((id, at) => id === ids[at]) && ids.some((id) => tasks.has(id))) return;
    setOurs(next);
    await tried(async () => {
      const asked = await inLine(tasks);
      const seen = found?.order ?? null;
      const aim = aimAt(ids, tasks, to);
      const done = await call("queues.move_tasks", { queue, tasks: asked, seen, ...aim });
      toast(`Moved ${plural(done.moved.length, "task")}`, {
        undo: () => tried(() => restore(done.stood)),
        ...(done.meanwhile && { hint: `${done.meanwhile} had changed the order meanwhile` }),
      });
    });
    await refresh();
    setOurs(null);
  };
  /** Do something that takes tasks off this queue, with the way back. */
  const leave = (tasks: ReadonlySet<string>, act: (ids: string[]) => Promise<string>) =>
    tried(async () => {
      const asked = await inLine(tasks);
      const { stood } = await call("queues.get_stands", { queue, tasks: asked });
      const said = await act(asked);
      await refresh();
      const back = async () => {
        await call("tasks.enqueue_many", { ids: asked, queue });
        await restore(stood);
      };
      toast(`${plural(asked.length, "task")} ${said}`, { undo: () => tried(back) });
    });
  return {
    rows,
    look: (first, end) => {
      const next = partFor(first, end);
      if (next.first !== part.first || next.limit !== part.limit) setPart(next);
    },
    inLine,
    move,
    takeOff: async (tasks) => {
      await leave(tasks, async (asked) => {
        await call("tasks.dequeue_many", { ids: asked });
        return `taken off ${name}`;
      });
    },
    toQueue: async (tasks, other) => {
      await leave(tasks, async (asked) => {
        await call("tasks.enqueue_many", { ids: asked, queue: other.id });
        return `moved to ${other.name}`;
      });
    },
  };
}

/** The ids of all that wait, in order. */
export async function whole(queue: string): Promise<string[]> {
  const found = await call("queues.get_by_id", { queue });
  return (found.queue.entries as { task: string }[]).map(({ task }) => task);
}

async function read(queue: string, part: Part, abort: AbortSignal): Promise<Found> {
  const found = await call("queues.get_entries", { queue, ...part }, { signal: abort });
  const rows = found.entries.map(({ task, ...entry }, at) => ({
    ...entry,
    id: task,
    position: part.first + at + 1,
  }));
  return { first: part.first, rows, total: found.total, order: found.order };
}
