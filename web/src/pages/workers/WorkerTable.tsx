import type { Worker } from "../../api/documents";
import { go } from "../../router";
import { duration, now, percent, plural } from "../../ui/format";
import { WorkerPill, type WorkerState, workerState } from "../../ui/Pill";
import { A, Ago, Meter, Nothing, TaskLink } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { AddWorker } from "../welcome/AddWorker";
import { agentOf, type Member } from "./fleet";
import { GpuStrip } from "./GpuStrip";
import { cpu, memory } from "./loads";

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

const cpuShare = (member: Member): number | null => {
  const found = cpu(agentOf(member), member.load);
  return found === null ? null : found / 100;
};
const memoryShare = (member: Member): number | null => memory(agentOf(member), member.load);
const users = ({ runs }: Member): string =>
  [...new Set(runs.flatMap(({ user }) => user ?? []))].join(", ");
const began = ({ runs }: Member): number =>
  Math.min(...runs.map(({ started, taken }) => started ?? taken));

/** Sorting by a value of the agent keeps what runs as a worker of its own with it. */
const byAgent =
  (value: (member: Member) => unknown) =>
  (member: Member): unknown =>
    value(member.head ?? member);

const COLUMNS: Column<Member>[] = [
  {
    key: "id",
    head: "Worker",
    phone: true,
    sort: byAgent(({ worker }) => worker.id),
    cell: ({ worker, head }) => (
      <A to={pathOf(worker)} class={head && "worker-part"}>
        {worker.id}
      </A>
    ),
  },
  {
    key: "state",
    head: "Status",
    width: 104,
    phone: true,
    sort: byAgent((member) => stateOf(member, now.peek())),
    cell: (member) => <State member={member} />,
  },
  {
    key: "gpus",
    head: "GPUs",
    width: 126,
    phone: true,
    sort: byAgent(({ cells }) => cells.length || undefined),
    cell: ({ cells }) => (cells.length ? <GpuStrip cells={cells} /> : <Nothing />),
  },
  {
    key: "cpu",
    head: "CPU",
    width: 112,
    sort: byAgent(cpuShare),
    cell: (m) => <Share share={cpuShare(m)} word={`CPU of ${m.worker.id}`} />,
  },
  {
    key: "memory",
    head: "Memory",
    width: 104,
    sort: byAgent(memoryShare),
    cell: (m) => <Share share={memoryShare(m)} word={`Memory of ${m.worker.id}`} />,
  },
  { key: "task", head: "Task", phone: true, cell: (m) => <Tasks member={m} /> },
  {
    key: "user",
    head: "User",
    width: 72,
    sort: byAgent(users),
    cell: (m) => users(m) || <Nothing />,
  },
  {
    key: "running",
    head: "For",
    width: 72,
    number: true,
    sort: byAgent((m) => (m.runs.length ? -began(m) : undefined)),
    cell: (m) => <For member={m} />,
  },
  {
    key: "queues",
    head: "Queues",
    width: 92,
    cell: ({ worker }) => queues(worker) || <Nothing />,
  },
  {
    key: "account",
    head: "Account",
    width: 90,
    extra: true,
    cell: ({ worker }) => worker.user?.name ?? <Nothing />,
  },
  {
    key: "seen",
    head: "Seen",
    width: 60,
    number: true,
    cell: ({ worker }) => <Ago at={worker.last_activity_time} />,
  },
];

function Tasks({ member: { worker, runs } }: { member: Member }) {
  if (runs.length > 1)
    return (
      <A to={pathOf(worker)} data-tip={runs.map(({ name }) => name).join("\n")}>
        {plural(runs.length, "task")}
      </A>
    );
  const [run] = runs;
  return <TaskLink task={run ? { id: run.task, name: run.name } : worker.task} />;
}

function For({ member }: { member: Member }) {
  if (!member.runs.length) return <Nothing />;
  return <>{duration((now.value - began(member)) / 1000)}</>;
}

/** What a worker does at a time (milliseconds): its runs are known sooner than it reports them. */
export function stateOf({ worker, runs: [run] }: Member, at: number): WorkerState {
  return workerState(run ? { ...worker, task: { id: run.task } } : worker, at);
}

export function State({ member }: { member: Member }) {
  const { order, unfit } = member.worker;
  return <WorkerPill state={stateOf(member, now.value)} title={order?.reason || unfit} />;
}

export function WorkerTable({ rows, current }: { rows: Member[]; current?: string | undefined }) {
  return (
    <Table
      name="workers"
      label="Workers"
      columns={COLUMNS}
      rows={rows}
      id={({ worker }) => worker.key}
      sort={{ key: "id", descending: false }}
      current={current}
      onOpen={({ worker }) => go(pathOf(worker))}
      empty={<AddWorker />}
    />
  );
}
