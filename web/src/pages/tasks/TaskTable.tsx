import type { ComponentChildren } from "preact";
import type { Task } from "../../api/documents";
import { go } from "../../router";
import { StatusPill } from "../../ui/Pill";
import { Ago, Nothing, TaskLink } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";

/** Where a task runs, or why it does not. */
function where(task: Task): string {
  if (task.status === "in_progress") return task.last_worker ?? "";
  return [task.status_reason, task.status_message].filter(Boolean).join(": ");
}

const COLUMNS: Column<Task>[] = [
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
    width: 110,
    phone: true,
    sort: (t) => t.status,
    cell: (t) => <StatusPill status={t.status} />,
  },
  { key: "project", head: "Project", width: 140, cell: (t) => t.project?.name ?? <Nothing /> },
  { key: "queue", head: "Queue", width: 110, cell: (t) => t.execution?.queue?.name ?? <Nothing /> },
  {
    key: "where",
    head: "Where, or why",
    phone: true,
    cell: (t) => <span title={where(t)}>{where(t) || <Nothing />}</span>,
  },
  { key: "user", head: "User", width: 90, cell: (t) => t.user?.name ?? <Nothing /> },
  {
    key: "step",
    head: "Step",
    width: 80,
    number: true,
    sort: (t) => t.last_iteration,
    cell: (t) => t.last_iteration || <Nothing />,
  },
  {
    key: "age",
    head: "Age",
    width: 90,
    number: true,
    sort: (t) => -Date.parse(t.started ?? t.created ?? ""),
    cell: (t) => <Ago at={t.started ?? t.created} />,
  },
];

export function TaskTable(props: {
  name: string;
  rows: Task[];
  empty: ComponentChildren;
  fill?: boolean;
}) {
  const { name, rows, empty, fill = false } = props;
  return (
    <Table
      name={`tasks-${name}`}
      label="Tasks"
      columns={COLUMNS}
      rows={rows}
      fill={fill}
      id={(task) => task.id}
      onOpen={(task) => go(`/tasks/${task.id}`)}
      empty={typeof empty === "string" ? <div class="empty">{empty}</div> : empty}
    />
  );
}
