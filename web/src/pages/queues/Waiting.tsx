// The tasks that wait in a queue, in their order: dragged, moved by keys or by menu, undone.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Queue } from "../../api/documents";
import { Ask } from "../../ui/Ask";
import { Commands } from "../../ui/Commands";
import { plural } from "../../ui/format";
import { Menu, type MenuItem } from "../../ui/Menu";
import { Button, EmptyState, Skeleton } from "../../ui/parts";
import { Table } from "../../ui/Table";
import { moveToPlace, ofTasks } from "./commands";
import { type Dragged, follow } from "./drag";
import { isRead, type Row, unreadAt } from "./order";
import { ToQueue } from "./ToQueue";
import { useWaiting, whole } from "./useWaiting";
import { columns } from "./waitingColumns";

type Chosen = ReadonlySet<string>;
/** What is asked about some tasks, given in their order. */
interface Question {
  about: "queue" | "place" | "commands";
  tasks: string[];
}

export function Waiting({ queue }: { queue: Queue }) {
  const { rows, look, inLine, move, takeOff, toQueue } = useWaiting(queue);
  const selected = useSignal<Chosen>(new Set());
  const dragged = useSignal<(Dragged & { count: number }) | null>(null);
  const [drop, setDrop] = useState<number | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const place = useRef<HTMLDivElement>(null);
  useRead(queue.id, selected);
  const total = rows?.length ?? 0;
  const chosen = (id: string): Chosen => (selected.value.has(id) ? selected.value : new Set([id]));
  const clear = () => {
    selected.value = new Set();
  };
  const ask = async (about: Question["about"], tasks: Chosen) =>
    setQuestion({ about, tasks: await inLine(tasks) });
  const step = (tasks: Chosen, by: 1 | -1) => {
    const places = (rows ?? []).flatMap(({ id }, at) => (tasks.has(id) ? [at] : []));
    const at = by < 0 ? Math.min(...places) - 1 : Math.max(...places) + 2;
    if (places.length) void move(tasks, Math.max(0, Math.min(total, at)));
  };
  const acts = {
    top: (tasks: Chosen) => void move(tasks, 0),
    bottom: (tasks: Chosen) => void move(tasks, total),
    up: (tasks: Chosen) => step(tasks, -1),
    down: (tasks: Chosen) => step(tasks, 1),
    off: (tasks: Chosen) => void takeOff(tasks).then(clear),
    ask: (about: Question["about"]) => (tasks: Chosen) => void ask(about, tasks),
    drag: (row: Row, event: PointerEvent) => {
      const tasks = chosen(row.id);
      const show = (at: Dragged | null) => {
        dragged.value = at && { ...at, count: tasks.size };
        setDrop(at?.gap ?? null);
      };
      follow(event, place.current, total, show, (gap) => void move(tasks, gap));
    },
  };
  // Rows are drawn seldom: what they do is what is right now.
  const now = useRef(acts);
  now.current = acts;
  const shown = useMemo(() => columns((row, event) => now.current.drag(row, event)), []);
  const menu = (row: Row) =>
    isRead(row.id) && (
      <Menu
        label={`Actions for ${row.name || row.id}`}
        items={ITEMS.map(({ act, ...item }) => ({
          ...item,
          onChoose: () => act(now.current)(chosen(row.id)),
        }))}
      />
    );
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows?.[activeRow(event.currentTarget as HTMLElement)];
    if (!row || (event.target as Element).closest("input,button,.menu")) return;
    const pressed = `${event.shiftKey ? "Shift " : ""}${event.key}`;
    const act = {
      t: acts.top,
      b: acts.bottom,
      "Shift ArrowUp": acts.up,
      "Shift ArrowDown": acts.down,
    }[pressed];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act(chosen(row.id));
  };
  if (!rows) return <Skeleton />;
  const close = () => setQuestion(null);
  const about = question && plural(question.tasks.length, "task");
  return (
    <div ref={place} class="waiting" onKeyDownCapture={onKeyDown}>
      {selected.value.size > 0 && (
        <div class="batch" role="region" aria-label="Selected tasks">
          <b>{selected.value.size} selected</b>
          {ITEMS.filter(({ batch }) => batch).map(({ word, danger, act }) => (
            <Button
              key={word}
              {...(danger && { kind: "danger" as const })}
              onClick={() => act(acts)(selected.value)}
            >
              {word}
            </Button>
          ))}
          <span class="spring" />
          <button type="button" class="link" onClick={clear}>
            Clear
          </button>
        </div>
      )}
      <Table
        name="waiting"
        label="Waiting tasks"
        columns={shown}
        rows={rows}
        id={(row) => row.id}
        sorted
        fill
        selected={selected}
        actions={menu}
        onView={look}
        rowClass={(row) =>
          drop === row.position - 1
            ? "drop-above"
            : drop === total && row.position === total
              ? "drop-below"
              : ""
        }
        empty={
          <EmptyState title="No tasks currently wait here">
            <p>
              <code>taskyard submit --queue {queue.name} train.py</code> puts one on it.
            </p>
          </EmptyState>
        }
      />
      <Ghost dragged={dragged} />
      {question?.about === "queue" && (
        <ToQueue
          queue={queue}
          tasks={question.tasks}
          onMove={(other) => void toQueue(new Set(question.tasks), other).then(clear)}
          onClose={close}
        />
      )}
      {question?.about === "place" && (
        <Ask
          title={`Move ${about} to a place`}
          verb="Move"
          label={`Place, 1 to ${total}`}
          check={(text) => (isPlace(text, total) ? "" : `A whole number from 1 to ${total}`)}
          command={(text) => moveToPlace(question.tasks, text || "PLACE")}
          run={async (text) => move(new Set(question.tasks), gapOf(rows, question.tasks, text))}
          onClose={close}
        />
      )}
      {question?.about === "commands" && (
        <Commands
          title={`${about} on the command line`}
          commands={ofTasks(question.tasks)}
          onClose={close}
        />
      )}
    </div>
  );
}

type Acts = Record<"top" | "bottom" | "up" | "down" | "off", (tasks: Chosen) => void> & {
  ask: (about: Question["about"]) => (tasks: Chosen) => void;
};

interface Item extends Omit<MenuItem, "onChoose"> {
  /** Done with the selected ones at once, too. */
  batch?: true;
  act: (acts: Acts) => (tasks: Chosen) => void;
}

/** What is done with tasks, in the order of the menu. */
const ITEMS: readonly Item[] = [
  { word: "To the top", key: "T", icon: "up", batch: true, act: (acts) => acts.top },
  { word: "To the bottom", key: "B", icon: "down", batch: true, act: (acts) => acts.bottom },
  { word: "One up", key: "Shift ↑", icon: "up", act: (acts) => acts.up },
  { word: "One down", key: "Shift ↓", icon: "down", act: (acts) => acts.down },
  { word: "To a place…", icon: "grip", batch: true, act: (acts) => acts.ask("place") },
  { word: "To another queue…", icon: "out", batch: true, act: (acts) => acts.ask("queue") },
  {
    word: "Take off the queue",
    icon: "cross",
    batch: true,
    danger: true,
    act: (acts) => acts.off,
  },
  { word: "As commands…", icon: "copy", batch: true, act: (acts) => acts.ask("commands") },
];

const isPlace = (text: string, total: number): boolean =>
  /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= total;

/** The gap after which the first of the moved tasks stands in a place, counted from 1. */
function gapOf(rows: Row[], tasks: string[], place: string): number {
  const moved = new Set(tasks);
  let others = 0;
  const gap = rows.findIndex(({ id }) => !moved.has(id) && ++others >= Number(place));
  return gap < 0 ? rows.length : gap;
}

/** Have ids in place of those that stand for rows nobody has read: "select all" chooses them. */
function useRead(queue: string, selected: Signal<Chosen>): void {
  const chosen = selected.value;
  useEffect(() => {
    if ([...chosen].every(isRead)) return;
    let over = false;
    void whole(queue).then((ids) => {
      if (over) return;
      const read = [...chosen].map((id) => (isRead(id) ? id : (ids[unreadAt(id)] ?? "")));
      selected.value = new Set(read.filter(Boolean));
    });
    return () => {
      over = true;
    };
  }, [chosen]);
}

/** The index of the row that the keys are on; -1 without one. */
function activeRow(within: HTMLElement): number {
  const at = within.querySelector("[role=grid]")?.getAttribute("aria-activedescendant");
  const index = at && document.getElementById(at)?.getAttribute("aria-rowindex");
  return index ? Number(index) - 2 : -1;
}

function Ghost({ dragged }: { dragged: Signal<(Dragged & { count: number }) | null> }) {
  const at = dragged.value;
  if (!at) return null;
  return (
    <div class="waiting-ghost" style={{ left: `${at.x + 12}px`, top: `${at.y + 8}px` }}>
      {plural(at.count, "task")} to place {at.gap + 1}
    </div>
  );
}
