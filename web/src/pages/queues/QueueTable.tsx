import type { Answer } from "../../api/client";
import type { Queue } from "../../api/documents";
import { go } from "../../router";
import { isPhone } from "../../ui/display";
import { duration, moment, now } from "../../ui/format";
import { isSilent, Pill } from "../../ui/Pill";
import { A, Ago, Nothing, TaskLink } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";

export const pathOf = (queue: Queue): string => `/queues/${encodeURIComponent(queue.name)}`;
export const waitingIn = (queue: Queue): number => queue.waiting ?? queue.entries?.length ?? 0;

/** A queue with how long tasks waited in it lately. */
export interface Row extends Queue {
  waits?: Answer<"queues.get_waits">["queues"][number] | undefined;
}

const long = (seconds: number | null | undefined) =>
  typeof seconds === "number" ? duration(seconds) : <Nothing />;

export const QUEUE_NAME: Column<Queue> = {
  key: "name",
  head: "Queue",
  phone: true,
  sort: (q) => q.name,
  cell: (q) => <A to={pathOf(q)}>{q.display_name || q.name}</A>,
};

const COLUMNS: Column<Row>[] = [
  QUEUE_NAME,
  {
    key: "state",
    head: "State",
    width: 120,
    phone: true,
    cell: (q) => <QueuePill queue={q} />,
  },
  {
    key: "waiting",
    head: "Waiting",
    width: 90,
    number: true,
    phone: true,
    sort: waitingIn,
    cell: (q) => (isPhone.value ? <InWords queue={q} /> : waitingIn(q)),
  },
  {
    key: "oldest",
    head: "Oldest",
    width: 84,
    number: true,
    sort: (q) => (q.oldest ? -moment(q.oldest) : undefined),
    cell: (q) => <Ago at={q.oldest} />,
  },
  {
    key: "p50",
    head: "p50 wait",
    width: 88,
    number: true,
    sort: (q) => q.waits?.p50,
    cell: (q) => long(q.waits?.p50),
  },
  {
    key: "p95",
    head: "p95 wait",
    width: 88,
    number: true,
    sort: (q) => q.waits?.p95,
    cell: (q) => long(q.waits?.p95),
  },
  {
    key: "workers",
    head: "Workers",
    width: 90,
    number: true,
    sort: (q) => q.workers?.length ?? 0,
    cell: (q) => q.workers?.length ?? 0,
  },
  {
    key: "next",
    head: "Next task",
    cell: (q) => <TaskLink task={q.entries?.[0]?.task} />,
  },
  {
    key: "changed",
    head: "Updated",
    width: 96,
    number: true,
    sort: (q) => -Date.parse(q.last_update ?? ""),
    cell: (q) => <Ago at={q.last_update} />,
  },
];

function InWords({ queue }: { queue: Row }) {
  return (
    <>
      {waitingIn(queue)} waiting
      {queue.oldest && (
        <>
          , the oldest for <Ago at={queue.oldest} />
        </>
      )}
    </>
  );
}

/** Whether a queue hands out its tasks, and if not, why. */
export function QueuePill({ queue }: { queue: Queue }) {
  if (queue.paused)
    return (
      <Pill
        tone="aborted"
        sign="paused"
        {...(queue.pause?.reason && { title: queue.pause.reason })}
      >
        Paused
      </Pill>
    );
  if (!queue.workers?.length)
    return waitingIn(queue) ? <Pill tone="lost">No worker</Pill> : <Nothing />;
  if (queue.workers.every((one) => isSilent(one.last_activity_time, now.value)))
    return (
      <Pill tone="lost" title="None of its workers was heard of lately">
        Worker lost
      </Pill>
    );
  return (
    <Pill tone="completed" sign="idle">
      Open
    </Pill>
  );
}

export function QueueTable({ rows, current }: { rows: Row[]; current?: string | undefined }) {
  return (
    <Table
      name="queues"
      label="Queues"
      columns={COLUMNS}
      rows={rows}
      id={(queue) => queue.name}
      sort={{ key: "name", descending: false }}
      current={current}
      onOpen={(queue) => go(pathOf(queue))}
      empty={<div class="empty">No queue is named like that.</div>}
    />
  );
}
