// What the columns of the list of tasks show.
import type { ComponentChildren } from "preact";
import type { Named, Task } from "../../api/documents";
import { setQuery } from "../../router";
import { duration, value } from "../../ui/format";
import { Ago, Nothing, TaskLink } from "../../ui/parts";
import { StatusPill, statusWord } from "../../ui/Pill";
import type { Column } from "../../ui/Table";
import { type Chosen, fieldOf } from "./asked";
import { reasonOf } from "../../api/reason";

/** A task with what the server says of where it stands. */
export interface Row extends Task {
  why?: string;
  hint?: string;
  position?: number | undefined;
  preparing?: boolean;
}

/** Where a task runs, or why it does not. */
function where(task: Row): string {
  if (task.why) return task.why;
  if (task.status === "in_progress") return task.last_worker ?? "";
  return reasonOf(task);
}

export const COLUMNS: Column<Row>[] = [
  {
    key: "name",
    head: "Task",
    phone: true,
    sort: (t) => t.name,
    cell: (t) => <TaskLink task={t} />,
  },
  {
    key: "status",
    head: "Status",
    width: 120,
    phone: true,
    sort: (t) => t.status,
    cell: (t) => (
      <>
        <Narrow by="status" value={t.status} word={statusWord(t.status)}>
          <StatusPill status={t.status} preparing={!!t.preparing} />
        </Narrow>
        {t.position ? <small class="muted num"> #{t.position}</small> : null}
      </>
    ),
  },
  {
    key: "tags",
    head: "Tags",
    width: 100,
    cell: (t) =>
      t.tags?.length ? (
        t.tags.map((tag) => (
          <Narrow key={tag} by="tag" value={tag} word={tag}>
            <span class="tag">{tag}</span>
          </Narrow>
        ))
      ) : (
        <Nothing />
      ),
  },
  {
    key: "project",
    head: "Project",
    width: 130,
    sort: (t) => t.project?.name,
    cell: (t) => <Only by="project" named={t.project} />,
  },
  {
    key: "queue",
    head: "Queue",
    width: 90,
    cell: (t) => <Only by="queue" named={t.execution?.queue} />,
  },
  {
    key: "where",
    head: "Where, or why",
    phone: true,
    cell: (t) => (
      <span data-tip={[where(t), t.hint].filter(Boolean).join("\n") || undefined}>
        {where(t) || <Nothing />}
      </span>
    ),
  },
  {
    key: "user",
    head: "User",
    width: 80,
    sort: (t) => t.user?.name,
    cell: (t) => <Only by="user" named={t.user} />,
  },
  { key: "type", head: "Type", width: 100, extra: true, sort: (t) => t.type, cell: (t) => t.type },
  {
    key: "step",
    head: "Step",
    width: 70,
    number: true,
    sort: (t) => t.last_iteration,
    cell: (t) => t.last_iteration || <Nothing />,
  },
  {
    key: "ran",
    head: "Ran for",
    width: 90,
    number: true,
    extra: true,
    sort: (t) => t.active_duration,
    cell: (t) => (t.active_duration ? duration(t.active_duration) : <Nothing />),
  },
  {
    key: "started",
    head: "Started",
    width: 90,
    number: true,
    extra: true,
    sort: (t) => t.started,
    cell: (t) => <Ago at={t.started} />,
  },
  {
    key: "created",
    head: "Created",
    width: 90,
    number: true,
    extra: true,
    sort: (t) => t.created,
    cell: (t) => <Ago at={t.created} />,
  },
  {
    key: "updated",
    head: "Updated",
    width: 96,
    number: true,
    sort: (t) => t.last_update,
    cell: (t) => <Ago at={t.last_update} />,
  },
];

/** A value that narrows the list to those that have it, too. */
function Narrow(props: { by: string; value: string; word: string; children: ComponentChildren }) {
  return (
    <button
      type="button"
      class="tasks-narrow"
      // The filters above do the same by keys: a list is not to have hundreds of stops.
      tabIndex={-1}
      title={`Only ${props.word}`}
      onClick={() => setQuery({ [props.by]: props.value, page: null })}
    >
      {props.children}
    </button>
  );
}

function Only({ by, named }: { by: string; named: Named | undefined }) {
  if (!named?.name) return <Nothing />;
  return (
    <Narrow by={by} value={named.id} word={named.name}>
      {named.name}
    </Narrow>
  );
}

/** The column of a metric or a parameter that somebody added. */
export const columnOf = (chosen: Chosen): Column<Row> => ({
  key: chosen.head,
  head: chosen.head,
  width: 120,
  number: true,
  sort: (task) => found(task, chosen),
  cell: (task) => {
    const at = found(task, chosen);
    if (at === undefined || at === "") return <Nothing />;
    return typeof at === "number" ? value(at) : at;
  },
});

function found(task: Row, chosen: Chosen): number | string | undefined {
  let place: unknown = task;
  for (const name of fieldOf(chosen).split("."))
    place = (place as Record<string, unknown> | undefined)?.[name];
  return place as number | string | undefined;
}
