import { call } from "../../api/client";
import type { Task } from "../../api/documents";
import { useFresh } from "../../live/store";
import { go, query, setQuery } from "../../router";
import { user } from "../../session";
import { count } from "../../ui/format";
import { Ago, Card, Segmented, TaskLink } from "../../ui/parts";
import { StatusPill } from "../../ui/Pill";
import { type Column, Table } from "../../ui/Table";

/** A task with what the server says of where it stands. */
interface Row extends Task {
  why: string;
  hint: string;
  preparing: boolean;
}

const COLUMNS: Column<Row>[] = [
  { key: "name", head: "Task", phone: true, cell: (t) => <TaskLink task={t} /> },
  {
    key: "status",
    head: "Status",
    width: 112,
    phone: true,
    cell: (t) => <StatusPill status={t.status} preparing={t.preparing} />,
  },
  {
    key: "why",
    head: "Where, or why it waits",
    phone: true,
    cell: (t) => <span data-tip={[t.why, t.hint].filter(Boolean).join("\n")}>{t.why}</span>,
  },
  {
    key: "for",
    head: "For",
    width: 84,
    number: true,
    cell: (t) => <Ago at={t.status_changed} />,
  },
];

const CHOICES = [
  ["all", "All"],
  ["mine", "Mine"],
] as const;

/** How many tasks the server is asked to explain. */
const EXPLAINED = 100;

export function ActiveTasks({ tasks, more }: { tasks: Task[]; more: boolean }) {
  const whose = query.value.get("mine") ? "mine" : "all";
  const shown = whose === "mine" ? tasks.filter((t) => t.user?.id === user.value?.id) : tasks;
  const ordered = [
    ...shown.filter((t) => t.status === "in_progress"),
    ...shown.filter((t) => t.status === "queued").reverse(),
  ];
  const ids = ordered.slice(0, EXPLAINED).map(({ id }) => id);
  const explained = useExplained(ids);
  const rows = ordered.map((task): Row => {
    const found = explained.get(task.id);
    const preparing = found?.state === "preparing";
    const running = task.status === "in_progress" && !preparing;
    const why = running ? where(task) : found?.reason.text;
    return { ...task, why: why ?? "", hint: found?.hint ?? "", preparing };
  });
  return (
    <Card
      title={whose === "mine" ? "My tasks" : "Tasks"}
      note={`running and waiting${more ? ", the newest" : ""}`}
      actions={
        <Segmented
          label="Whose"
          choices={CHOICES}
          chosen={whose}
          onChoose={(choice) => setQuery({ mine: choice === "mine" ? "1" : null })}
        />
      }
    >
      <Table
        name="active"
        label="Running and waiting tasks"
        columns={COLUMNS}
        rows={rows}
        id={(task) => task.id}
        sorted
        onOpen={(task) => go(`/tasks/${task.id}`)}
        empty={<div class="empty">Nothing runs or waits.</div>}
      />
    </Card>
  );
}

/** Where a task runs, and how far it is. */
function where(task: Task): string {
  const step = task.last_iteration ? `step ${count(task.last_iteration)}` : "";
  return [task.last_worker, step].filter(Boolean).join(" · ");
}

interface Explained {
  task: string;
  reason: { text: string };
  hint: string;
  state?: string;
}

const EXPLAIN_EVERY = 2_000;

/** Why tasks stand where they stand, by their id. */
function useExplained(ids: string[]): Map<string, Explained> {
  const found = useFresh(
    ["explained", ids.join()],
    async (abort) =>
      ids.length ? (await call("tasks.explain_many", { ids }, { signal: abort })).explanations : [],
    ["tasks", "queues", "workers"],
    { every: EXPLAIN_EVERY },
  ).data.value as unknown as Explained[] | undefined;
  return new Map(found?.map((one) => [one.task, one]));
}
