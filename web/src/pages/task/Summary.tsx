// The state of a task, why, and where its time went.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Attempt, Metric, Task } from "../../api/documents";
import { useLive } from "../../live/store";
import { moment, plural, value } from "../../ui/format";
import { A, Ago, Card, IconButton, Nothing, Notice, Span, TaskLink } from "../../ui/parts";
import { Pill, type Tone } from "../../ui/Pill";
import { type Column, Table } from "../../ui/Table";
import { tried } from "../../ui/tried";
import { Facts } from "./Facts";
import { LastLines } from "./LastLines";
import { PhaseBar } from "./PhaseBar";

const TONES: Record<string, Tone> = {
  leased: "preparing",
  preparing: "preparing",
  running: "running",
  completed: "completed",
  failed: "failed",
  stopped: "aborted",
  lost: "lost",
  returned: "queued",
};

const ATTEMPTS: Column<Attempt>[] = [
  { key: "attempt", head: "Attempt", width: 80, phone: true, cell: (a) => a.attempt },
  {
    key: "state",
    head: "State",
    width: 120,
    phone: true,
    cell: (a) => <Pill tone={TONES[a.state] ?? "draft"}>{capital(a.state)}</Pill>,
  },
  {
    key: "worker",
    head: "Worker",
    width: 180,
    phone: true,
    cell: (a) => <A to={`/workers/${encodeURIComponent(a.worker)}`}>{a.worker}</A>,
  },
  { key: "for", head: "For", width: 100, cell: (a) => <Span from={a.taken} to={a.ended} /> },
  {
    key: "cause",
    head: "Why it ended",
    phone: true,
    cell: (a) => [a.cause, a.message].filter(Boolean).join(": ") || <Nothing />,
  },
  {
    key: "console",
    head: "Console",
    width: 90,
    cell: (a) => <A to={`/tasks/${a.task}/console?attempt=${a.attempt}`}>Show</A>,
  },
];

const METRICS: Column<Metric>[] = [
  { key: "name", head: "Metric", phone: true, cell: (m) => `${m.metric} / ${m.variant}` },
  { key: "last", head: "Last", width: 110, number: true, phone: true, cell: (m) => value(m.value) },
  {
    key: "min",
    head: "Min",
    width: 110,
    number: true,
    cell: (m) => (m.min_value === undefined ? <Nothing /> : value(m.min_value)),
  },
  {
    key: "max",
    head: "Max",
    width: 110,
    number: true,
    cell: (m) => (m.max_value === undefined ? <Nothing /> : value(m.max_value)),
  },
];

export function Summary({ task, attempts }: { task: Task; attempts: Attempt[] }) {
  const last = attempts.at(-1);
  const metrics = Object.values(task.last_metrics ?? {}).flatMap((one) => Object.values(one));
  return (
    <>
      <Why task={task} last={last} />
      {last && (
        <Card title="Where the time went" note={`attempt ${last.attempt}, not to scale`}>
          <div class="card-body">
            <PhaseBar attempt={last} waited={waited(task, attempts)} />
          </div>
        </Card>
      )}
      <Card title="Task">
        <Facts
          facts={[
            ["Id", <code key="id">{task.id}</code>],
            ["Project", task.project?.name],
            ["Parent", task.parent?.id && <TaskLink task={task.parent} />],
            ["Queue", task.execution?.queue?.name],
            ["User", task.user?.name],
            ["Tags", <Tags key="tags" task={task} />],
            ["Created", task.created && <Past key="created" at={task.created} />],
            ["Started", task.started && <Past key="started" at={task.started} />],
            ["Ran for", task.started && <Span from={task.started} to={task.completed ?? null} />],
            ["Step", task.last_iteration || undefined],
            ["Description", task.comment],
            ...runtime(task),
          ]}
        />
      </Card>
      {metrics.length > 0 && (
        <Card title="Last values" note={plural(metrics.length, "curve")}>
          <Table
            name="last-values"
            label="Last values"
            columns={METRICS}
            rows={metrics}
            id={(m) => `${m.metric}/${m.variant}`}
            sorted
          />
        </Card>
      )}
      <Card title="Attempts">
        <Table
          name="attempts"
          label="Attempts"
          columns={ATTEMPTS}
          rows={[...attempts].reverse()}
          id={(a) => String(a.attempt)}
          sorted
          empty={
            <div class="empty">
              {task.started
                ? "No agent ran this task: it was started by hand."
                : "This task has not run."}
            </div>
          }
        />
      </Card>
    </>
  );
}

/** Seconds on the queue before the first attempt; null where nobody knows. */
function waited(task: Task, attempts: Attempt[]): number | null {
  const [first] = attempts;
  if (attempts.length !== 1 || !first?.taken || !task.created) return null;
  const seconds = (moment(first.taken) - moment(task.created)) / 1000;
  // A draft may lie for days before somebody enqueues it: that is no wait.
  return seconds >= 0 && seconds < 86_400 ? seconds : null;
}

/** Why it waits, or why it ended as it did, and what to do. */
function Why({ task, last }: { task: Task; last: Attempt | undefined }) {
  const asked = ["queued", "in_progress", "failed"].includes(task.status);
  const { data } = useLive("tasks.explain", { task: task.id }, [
    `task:${task.id}`,
    ...(task.status === "queued" ? ["queues", "workers"] : []),
  ]);
  const found = data.value;
  const text = String(found?.reason?.text ?? "");
  if (!asked || !text || found?.reason?.code === "running") return null;
  const failed = task.status === "failed";
  return (
    <Notice tone={failed ? "bad" : found?.reason?.code === "no worker" ? "warn" : "info"}>
      <b>
        {failed && task.status_reason ? `${capital(task.status_reason)}: ` : ""}
        {failed ? text : capital(text)}
      </b>
      {(last?.hint || found?.hint) && <div>{(failed && last?.hint) || found?.hint}</div>}
      {failed && <LastLines task={task.id} />}
    </Notice>
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function runtime(task: Task): [string, string][] {
  const names: Record<string, string> = {
    hostname: "Host",
    python_version: "Python",
    OS: "System",
    cpu_type: "Processor",
    gpu_type: "GPU",
    gpu_count: "GPUs",
    memory_gb: "Memory, GB",
    CUDA: "CUDA",
  };
  return Object.entries(names).flatMap(([key, word]) => {
    const found = task.runtime?.[key];
    return found ? [[word, String(found)] as [string, string]] : [];
  });
}

const Past = ({ at }: { at: string }) => (
  <>
    <Ago at={at} /> ago
  </>
);

function Tags({ task }: { task: Task }) {
  const [adding, setAdding] = useState(false);
  const change = (body: { add_tags?: string[]; remove_tags?: string[] }) =>
    tried(() => call("tasks.update_tags", { ids: [task.id], ...body }));
  return (
    <span class="tags">
      {task.tags?.map((tag) => (
        <span key={tag} class="tag">
          {tag}
          <IconButton
            icon="cross"
            label={`Take ${tag} away`}
            onClick={() => void change({ remove_tags: [tag] })}
          />
        </span>
      ))}
      {adding ? (
        <input
          class="text"
          aria-label="New tag"
          ref={(input) => input?.focus()}
          onBlur={() => setAdding(false)}
          onKeyDown={(event) => {
            const tag = event.currentTarget.value.trim();
            if (event.key === "Escape") setAdding(false);
            if (event.key !== "Enter" || !tag) return;
            setAdding(false);
            void change({ add_tags: [tag] });
          }}
        />
      ) : (
        <IconButton icon="plus" label="Add a tag" onClick={() => setAdding(true)} />
      )}
    </span>
  );
}
