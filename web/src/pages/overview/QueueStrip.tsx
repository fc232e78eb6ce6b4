import type { Queue, Task } from "../../api/documents";
import { go } from "../../router";
import { Card } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { pathOf, QUEUE_NAME, QueuePill, waitingIn } from "../queues/QueueTable";

interface Row extends Queue {
  running: number;
}

const COLUMNS: Column<Row>[] = [
  QUEUE_NAME,
  { key: "state", head: "State", width: 104, phone: true, cell: (q) => <QueuePill queue={q} /> },
  {
    key: "waiting",
    head: "Waiting",
    width: 72,
    number: true,
    sort: waitingIn,
    cell: waitingIn,
  },
  {
    key: "running",
    head: "Running",
    width: 72,
    number: true,
    sort: (q) => q.running,
    cell: (q) => q.running,
  },
];

export function QueueStrip({ queues, active }: { queues: Queue[]; active: Task[] }) {
  const running = new Map<string, number>();
  for (const { status, execution } of active) {
    const id = execution?.queue?.id;
    if (id && status === "in_progress") running.set(id, (running.get(id) ?? 0) + 1);
  }
  const rows = queues.map((queue) => ({ ...queue, running: running.get(queue.id) ?? 0 }));
  return (
    <Card title="Queues">
      <Table
        name="overview-queues"
        label="Queues"
        columns={COLUMNS}
        rows={rows}
        id={(queue) => queue.id}
        sort={{ key: "waiting", descending: true }}
        onOpen={(queue) => go(pathOf(queue))}
        empty={<div class="empty">No queue yet.</div>}
      />
    </Card>
  );
}
