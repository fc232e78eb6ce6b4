import type { Worker } from "../../api/documents";
import { go } from "../../router";
import { duration, now } from "../../ui/format";
import { WorkerPill, workerState } from "../../ui/Pill";
import { A, Ago, Nothing, TaskLink } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { AddWorker } from "../welcome/AddWorker";

const path = (worker: Worker): string => `/workers/${encodeURIComponent(worker.id)}`;
const queues = (worker: Worker): string =>
  (worker.queues ?? []).map(({ id, name }) => name ?? id).join(", ");

const COLUMNS: Column<Worker>[] = [
  {
    key: "id",
    head: "Worker",
    phone: true,
    sort: (w) => w.id,
    cell: (w) => <A to={path(w)}>{w.id}</A>,
  },
  {
    key: "state",
    head: "Status",
    width: 110,
    phone: true,
    sort: (w) => workerState(w, now.peek()),
    cell: (w) => <State worker={w} />,
  },
  { key: "task", head: "Task", phone: true, cell: (w) => <TaskLink task={w.task} /> },
  {
    key: "running",
    head: "Running for",
    width: 110,
    number: true,
    sort: (w) => w.task?.running_time,
    cell: (w) => (w.task?.running_time ? duration(w.task.running_time / 1000) : <Nothing />),
  },
  { key: "queues", head: "Queues", width: 160, cell: (w) => queues(w) || <Nothing /> },
  { key: "user", head: "User", width: 90, cell: (w) => w.user?.name ?? <Nothing /> },
  {
    key: "seen",
    head: "Seen",
    width: 90,
    number: true,
    cell: (w) => <Ago at={w.last_activity_time} />,
  },
];

function State({ worker }: { worker: Worker }) {
  return <WorkerPill state={workerState(worker, now.value)} />;
}

export function WorkerTable({ rows, current }: { rows: Worker[]; current?: string | undefined }) {
  return (
    <Table
      name="workers"
      label="Workers"
      columns={COLUMNS}
      rows={rows}
      id={(worker) => worker.id}
      sort={{ key: "id", descending: false }}
      current={current}
      onOpen={(worker) => go(path(worker))}
      empty={<AddWorker />}
    />
  );
}
