import type { Attempt, Task } from "../../api/documents";
import { duration } from "../../ui/format";
import { A, Card, Nothing } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";

const ATTEMPTS: Column<Attempt>[] = [
  { key: "attempt", head: "Attempt", width: 80, phone: true, cell: (a) => a.attempt },
  { key: "state", head: "State", width: 110, phone: true, cell: (a) => a.state },
  { key: "worker", head: "Worker", width: 180, phone: true, cell: (a) => a.worker },
  { key: "cause", head: "Cause", width: 160, cell: (a) => a.cause || <Nothing /> },
  {
    key: "phases",
    head: "Steps",
    cell: (a) =>
      (a.phases ?? [])
        .map((p) => `${p.name} ${duration((p.ended ?? Date.now() / 1000) - p.started)}`)
        .join(" · "),
  },
];

export function Summary({ task, attempts }: { task: Task; attempts: Attempt[] }) {
  const facts: [string, string | undefined][] = [
    ["Id", task.id],
    ["Project", task.project?.name],
    ["Queue", task.execution?.queue?.name],
    ["Repository", task.script?.repository],
    ["Commit", task.script?.version_num],
    ["Entry", task.script?.entry_point],
  ];
  return (
    <>
      <Card title="Task">
        <dl class="facts card-body">
          {facts.map(([word, value]) =>
            value ? (
              <>
                <dt>{word}</dt>
                <dd>{value}</dd>
              </>
            ) : null,
          )}
          {task.last_worker && (
            <>
              <dt>Worker</dt>
              <dd>
                <A to={`/workers/${encodeURIComponent(task.last_worker)}`}>{task.last_worker}</A>
              </dd>
            </>
          )}
        </dl>
      </Card>
      <Card title="Attempts">
        <Table
          name="attempts"
          label="Attempts"
          columns={ATTEMPTS}
          rows={attempts}
          id={(a) => String(a.attempt)}
          sorted
          empty={<div class="empty">This task has not run.</div>}
        />
      </Card>
    </>
  );
}
