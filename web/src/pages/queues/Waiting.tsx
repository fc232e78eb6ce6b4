// The tasks that wait in a queue, in their order: dragged, moved by keys or by menu, undone.
import { useSignal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Queue, Task } from "../../api/documents";
import { useFresh } from "../../live/store";
import { CopyButton } from "../../ui/CodeBlock";
import { Dialog } from "../../ui/Dialog";
import { isPhone, rowHeight } from "../../ui/display";
import { plural } from "../../ui/format";
import { Menu } from "../../ui/Menu";
import { Ago, Button, EmptyState, Nothing, Skeleton, TaskLink } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";
import { QueueField, useQueues } from "../tasks/EnqueueDialog";
import { behind, gapAt, reordered, restoring } from "./order";

interface Row {
  id: string;
  name: string | undefined;
  added: string;
  position: number;
  user: string | undefined;
  why: string;
  hint: string;
}

/** How many the server is asked to explain: those that are next. */
const EXPLAINED = 100;

export function Waiting({ queue }: { queue: Queue }) {
  const { data, refresh } = useFresh(
    ["waiting", queue.id],
    (abort) => read(queue.id, abort),
    ["queues", "workers", "tasks"],
    { every: 400 },
  );
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const [moving, setMoving] = useState<string[] | null>(null);
  const [ours, setOurs] = useState<string[] | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const [drop, setDrop] = useState<number | null>(null);
  const theirs = data.value;
  if (!theirs) return <Skeleton />;
  const rows = ours ? inOrder(theirs, ours) : theirs;
  const ids = rows.map(({ id }) => id);
  const chosen = (id: string): string[] =>
    selected.value.has(id) ? ids.filter((one) => selected.value.has(one)) : [id];

  /** Move within the queue: shown at once; what the server says then is the order. */
  const move = async (tasks: string[], to: number) => {
    const moved = new Set(tasks);
    const next = reordered(ids, moved, to);
    if (next.join() === ids.join()) return;
    setOurs(next);
    const ordered = ids.filter((id) => moved.has(id));
    const ask = { queue: queue.id, tasks: ordered, before: behind(ids, moved, to) };
    const done = await tried(() => call("queues.move_tasks", ask));
    await refresh();
    setOurs(null);
    if (done)
      toast(`Moved ${plural(tasks.length, "task")}`, { undo: () => restore(queue.id, ids, moved) });
  };
  const remove = async (tasks: string[]) => {
    const done = await tried(() => call("tasks.dequeue_many", { ids: tasks }));
    if (!done) return;
    selected.value = new Set();
    toast(`${plural(tasks.length, "task")} taken off the queue`, {
      undo: () => tried(() => back(queue.id, tasks, ids)),
    });
  };
  const step = (id: string, by: number) => {
    const group = chosen(id);
    const at = ids.indexOf(by < 0 ? (group[0] ?? id) : (group.at(-1) ?? id));
    void move(group, by < 0 ? Math.max(0, at - 1) : Math.min(ids.length, at + 2));
  };
  const menu = (row: Row) => {
    const group = chosen(row.id);
    return (
      <Menu
        label={`Actions for ${row.name ?? row.id}`}
        items={[
          { word: "To the top", key: "T", icon: "up", onChoose: () => void move(group, 0) },
          {
            word: "To the bottom",
            key: "B",
            icon: "down",
            onChoose: () => void move(group, ids.length),
          },
          { word: "One up", key: "Shift ↑", icon: "up", onChoose: () => step(row.id, -1) },
          { word: "One down", key: "Shift ↓", icon: "down", onChoose: () => step(row.id, 1) },
          { word: "To another queue…", icon: "out", onChoose: () => setMoving(group) },
          {
            word: "Take off the queue",
            icon: "cross",
            danger: true,
            onChoose: () => void remove(group),
          },
        ]}
      />
    );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows.find(({ id }) => id === activeId(event.currentTarget as HTMLElement));
    if (!row || (event.target as Element).closest("input,button,.menu")) return;
    const acts: Record<string, () => void> = {
      t: () => void move(chosen(row.id), 0),
      b: () => void move(chosen(row.id), ids.length),
    };
    const act =
      event.shiftKey && event.key === "ArrowUp"
        ? () => step(row.id, -1)
        : event.shiftKey && event.key === "ArrowDown"
          ? () => step(row.id, 1)
          : acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const drag = (row: Row, event: PointerEvent) =>
    follow(event, place.current, ids.length, setDrop, (to) => void move(chosen(row.id), to));

  return (
    <div ref={place} class="waiting" onKeyDownCapture={onKeyDown}>
      <Batch
        count={ids.filter((id) => selected.value.has(id)).length}
        onTop={() => void move(chosen(firstOf(ids, selected.value)), 0)}
        onBottom={() => void move(chosen(firstOf(ids, selected.value)), ids.length)}
        onQueue={() => setMoving(chosen(firstOf(ids, selected.value)))}
        onRemove={() => void remove(chosen(firstOf(ids, selected.value)))}
        onClear={() => {
          selected.value = new Set();
        }}
      />
      <Table
        name="waiting"
        label="Waiting tasks"
        columns={columns(drag)}
        rows={rows}
        id={(row) => row.id}
        sorted
        fill
        selected={selected}
        actions={menu}
        rowClass={(row) => (drop === row.position - 1 ? "drop-above" : "")}
        empty={
          <EmptyState title="No tasks currently wait here">
            <p>
              <code>taskyard submit --queue {queue.name} train.py</code> puts one on it.
            </p>
          </EmptyState>
        }
      />
      {moving && (
        <ToQueue queue={queue} tasks={moving} order={ids} onClose={() => setMoving(null)} />
      )}
    </div>
  );
}

const firstOf = (ids: string[], selected: ReadonlySet<string>): string =>
  ids.find((id) => selected.has(id)) ?? "";

/** Rows in an order of ours; those it does not know come last. */
function inOrder(rows: Row[], order: string[]): Row[] {
  const places = new Map(order.map((id, at) => [id, at]));
  return [...rows]
    .sort((a, b) => (places.get(a.id) ?? order.length) - (places.get(b.id) ?? order.length))
    .map((row, at) => ({ ...row, position: at + 1 }));
}

function columns(drag: (row: Row, event: PointerEvent) => void): Column<Row>[] {
  return [
    {
      key: "position",
      head: "#",
      width: 64,
      cell: (row) => (
        <span class="num waiting-place">
          {!isPhone.value && (
            <span
              class="grip"
              data-tip="Drag to move; Shift and the arrows do it, too"
              onPointerDown={(event) => drag(row, event)}
            >
              ⠿
            </span>
          )}
          {row.position}
        </span>
      ),
    },
    { key: "task", head: "Task", phone: true, cell: (row) => <TaskLink task={row} /> },
    { key: "user", head: "User", width: 90, cell: (row) => row.user ?? <Nothing /> },
    {
      key: "waiting",
      head: "Waiting",
      width: 96,
      number: true,
      phone: true,
      cell: (row) => <Ago at={row.added} />,
    },
    {
      key: "why",
      head: "Why it waits",
      phone: true,
      cell: (row) => (
        <span data-tip={[row.why, row.hint].filter(Boolean).join("\n") || undefined}>
          {row.why || <Nothing />}
        </span>
      ),
    },
  ];
}

/** The id of the row that the keys are on. */
function activeId(within: HTMLElement): string | undefined {
  const at = within.querySelector("[role=grid]")?.getAttribute("aria-activedescendant");
  const link = at && document.getElementById(at)?.querySelector<HTMLAnchorElement>("a[href]");
  return link ? link.pathname.split("/").at(-1) : undefined;
}

/** Follow a pointer that drags rows, until it lets them fall or Escape takes it back. */
function follow(
  event: PointerEvent,
  place: HTMLElement | null,
  total: number,
  show: (gap: number | null) => void,
  fall: (gap: number) => void,
): void {
  const body = place?.querySelector<HTMLElement>("tbody");
  const scroller = place?.querySelector<HTMLElement>(".table");
  if (!body || !scroller || event.button) return;
  event.preventDefault();
  let gap: number | null = null;
  const look = (moved: PointerEvent) => {
    const box = scroller.getBoundingClientRect();
    if (moved.clientY < box.top + 60) scroller.scrollTop -= 12;
    if (moved.clientY > box.bottom - 30) scroller.scrollTop += 12;
    gap = gapAt(moved.clientY - body.getBoundingClientRect().top, rowHeight.value, total);
    show(gap);
  };
  const end = (dropped: boolean) => {
    removeEventListener("pointermove", look);
    removeEventListener("pointerup", up);
    removeEventListener("keydown", escape, true);
    show(null);
    if (dropped && gap !== null) fall(gap);
  };
  const up = () => end(true);
  const escape = (key: KeyboardEvent) => key.key === "Escape" && end(false);
  addEventListener("pointermove", look);
  addEventListener("pointerup", up);
  addEventListener("keydown", escape, true);
}

async function restore(queue: string, before: string[], moved: ReadonlySet<string>) {
  await tried(async () => {
    for (const group of restoring(before, moved).reverse())
      await call("queues.move_tasks", { queue, ...group });
  });
}

/** Put tasks on a queue again, where they were. */
async function back(queue: string, tasks: string[], order: string[]): Promise<void> {
  await call("tasks.enqueue_many", { ids: tasks, queue });
  await restore(queue, order, new Set(tasks));
}

interface BatchProps {
  count: number;
  onTop: () => void;
  onBottom: () => void;
  onQueue: () => void;
  onRemove: () => void;
  onClear: () => void;
}

function Batch({ count, onTop, onBottom, onQueue, onRemove, onClear }: BatchProps) {
  if (!count) return null;
  return (
    <div class="batch" role="region" aria-label="Selected tasks">
      <b>{count} selected</b>
      <Button onClick={onTop}>To the top</Button>
      <Button onClick={onBottom}>To the bottom</Button>
      <Button onClick={onQueue}>To another queue</Button>
      <Button kind="danger" onClick={onRemove}>
        Take off
      </Button>
      <span class="spring" />
      <button type="button" class="link" onClick={onClear}>
        Clear
      </button>
    </div>
  );
}

function ToQueue(props: { queue: Queue; tasks: string[]; order: string[]; onClose: () => void }) {
  const { queue, tasks, order, onClose } = props;
  const { queues } = useQueues();
  const others = queues.filter(({ id }) => id !== queue.id);
  const [picked, pick] = useState("");
  const chosen = picked || (others[0]?.id ?? "");
  const name = others.find(({ id }) => id === chosen)?.name ?? "";
  const submit = async () => {
    onClose();
    if (await tried(() => call("tasks.enqueue_many", { ids: tasks, queue: chosen })))
      toast(`${plural(tasks.length, "task")} moved to ${name}`, {
        undo: () => tried(() => back(queue.id, tasks, order)),
      });
  };
  return (
    <Dialog
      title={`Move ${plural(tasks.length, "task")} to another queue`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" disabled={!chosen} onClick={() => void submit()}>
            Move
          </Button>
        </>
      }
    >
      <QueueField queues={others} chosen={chosen} onChoose={pick} />
      <p class="muted command-line">
        <code>
          taskyard move {tasks.join(" ")} --queue {name}
        </code>
        <CopyButton text={`taskyard move ${tasks.join(" ")} --queue ${name}`} />
      </p>
    </Dialog>
  );
}

async function read(queue: string, abort: AbortSignal): Promise<Row[]> {
  const options = { signal: abort };
  const { queues } = await call("queues.get_all_ex", { id: [queue] }, options);
  const entries = ((queues as unknown as Queue[])[0]?.entries ?? []).map((entry, at) => ({
    id: entry.task.id,
    name: entry.task.name,
    added: entry.added,
    position: at + 1,
  }));
  const ids = entries.slice(0, EXPLAINED).map(({ id }) => id);
  if (!ids.length) return [];
  const [{ explanations }, { tasks }] = await Promise.all([
    call("tasks.explain_many", { ids }, options),
    call("tasks.get_all_ex", { id: ids, only_fields: ["id", "user.name"] }, options),
  ]);
  const told = new Map(explanations.map((one) => [one.task, one]));
  const users = new Map((tasks as Task[]).map((task) => [task.id, task.user?.name]));
  return entries.map((entry) => ({
    ...entry,
    user: users.get(entry.id),
    why: String(told.get(entry.id)?.reason.text ?? ""),
    hint: told.get(entry.id)?.hint ?? "",
  }));
}
