import type { Worker } from "../../api/documents";
import { go } from "../../router";
import { duration, now, percent } from "../../ui/format";
import { WorkerPill, workerState } from "../../ui/Pill";
import { A, Ago, Meter, Nothing, TaskLink } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { AddWorker } from "../welcome/AddWorker";
import { cpu, type Load, memory } from "./loads";

/** A worker with the last that its machine reported. */
export interface Row extends Worker {
  load?: Load | undefined;
}

export const pathOf = (worker: Worker): string => `/workers/${encodeURIComponent(worker.id)}`;
const queues = (worker: Worker): string =>
  (worker.queues ?? []).map(({ id, name }) => name ?? id).join(", ");

function Share({ share, word }: { share: number | null; word: string }) {
  if (share === null) return <Nothing />;
  return (
    <span class="share">
      <Meter share={share} label={word} warnAt={0.95} /> {percent(share)}
    </span>
  );
}

const share = (worker: Row): number | null => {
  const found = cpu(worker, worker.load);
  return found === null ? null : found / 100;
};

const COLUMNS: Column<Row>[] = [
  {
    key: "id",
    head: "Worker",
    phone: true,
    sort: (w) => w.id,
    cell: (w) => <A to={pathOf(w)}>{w.id}</A>,
  },
  {
    key: "state",
    head: "Status",
    width: 112,
    phone: true,
    sort: (w) => workerState(w, now.peek()),
    cell: (w) => <State worker={w} />,
  },
  {
    key: "gpus",
    head: "GPUs",
    width: 70,
    number: true,
    sort: (w) => w.resources?.gpus?.length,
    cell: (w) => w.resources?.gpus?.length || <Nothing />,
  },
  {
    key: "cpu",
    head: "CPU",
    width: 136,
    sort: share,
    cell: (w) => <Share share={share(w)} word={`CPU of ${w.id}`} />,
  },
  {
    key: "memory",
    head: "Memory",
    width: 136,
    sort: (w) => memory(w.load),
    cell: (w) => <Share share={memory(w.load)} word={`Memory of ${w.id}`} />,
  },
  { key: "task", head: "Task", phone: true, cell: (w) => <TaskLink task={w.task} /> },
  {
    key: "running",
    head: "For",
    width: 90,
    number: true,
    sort: (w) => w.task?.running_time,
    cell: (w) => (w.task?.running_time ? duration(w.task.running_time / 1000) : <Nothing />),
  },
  { key: "queues", head: "Queues", width: 130, cell: (w) => queues(w) || <Nothing /> },
  { key: "user", head: "User", width: 90, extra: true, cell: (w) => w.user?.name ?? <Nothing /> },
  {
    key: "seen",
    head: "Seen",
    width: 80,
    number: true,
    cell: (w) => <Ago at={w.last_activity_time} />,
  },
];

export function State({ worker }: { worker: Worker }) {
  const why = worker.order?.reason || worker.unfit;
  return <WorkerPill state={workerState(worker, now.value)} title={why} />;
}

export function WorkerTable({ rows, current }: { rows: Row[]; current?: string | undefined }) {
  return (
    <Table
      name="workers"
      label="Workers"
      columns={COLUMNS}
      rows={rows}
      id={(worker) => worker.key}
      sort={{ key: "id", descending: false }}
      current={current}
      onOpen={(worker) => go(pathOf(worker))}
      empty={<AddWorker />}
    />
  );
}
