// A worker in a panel beside the list: what it does, its queues, its machine over time.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Worker } from "../../api/documents";
import { useFresh } from "../../live/store";
import { Chart } from "../../ui/Chart";
import { CodeBlock } from "../../ui/CodeBlock";
import { Confirm, Sheet } from "../../ui/Dialog";
import { absolute, bytes } from "../../ui/format";
import { A, Ago, Button, Notice, Segmented, TaskLink } from "../../ui/parts";
import { tried } from "../../ui/tried";
import { Facts } from "../task/Facts";
import { TimeLine } from "./TimeLine";
import { State } from "./WorkerTable";

const ORDERS = {
  drain: {
    word: "Drain",
    what: "It finishes what it runs, takes nothing more, and leaves.",
  },
  stop: {
    word: "Stop",
    what: "It ends what it runs, gives that back to its queue, and leaves.",
  },
} as const;
type Order = keyof typeof ORDERS;

export function OneWorker({ worker, onClose }: { worker: Worker; onClose: () => void }) {
  const [asking, ask] = useState<Order | null>(null);
  const order = (kind: "pause" | "resume" | Order) =>
    void tried(() => call(`workers.${kind}`, { worker: worker.id }));
  const told = worker.order?.kind;
  const { resources } = worker;
  return (
    <Sheet wide title={worker.id} onClose={onClose}>
      <div class="worker-head">
        <State worker={worker} />
        <span class="spring" />
        {told ? (
          <Button icon="play" onClick={() => order("resume")}>
            Resume
          </Button>
        ) : (
          <Button icon="pause" onClick={() => order("pause")}>
            Pause
          </Button>
        )}
        <Button disabled={told === "drain"} onClick={() => ask("drain")}>
          Drain
        </Button>
        <Button kind="danger" disabled={told === "stop"} onClick={() => ask("stop")}>
          Stop
        </Button>
      </div>
      {worker.unfit && (
        <Notice tone="warn">
          <b>It takes no tasks:</b> {worker.unfit}
        </Notice>
      )}
      {told && (
        <Notice>
          Told to {told}
          {worker.order?.since ? ` since ${absolute(worker.order.since)}` : ""}
          {worker.order?.reason ? `: ${worker.order.reason}` : ""}
        </Notice>
      )}
      <Facts
        facts={[
          ["Task", worker.task && <TaskLink task={worker.task} />],
          [
            "Queues, in order",
            worker.queues?.length
              ? worker.queues.map(({ id, name, num_tasks: waiting }, at) => (
                  <span key={id}>
                    {at > 0 && ", "}
                    <A to={`/queues/${encodeURIComponent(name ?? id)}`}>{name ?? id}</A>
                    {waiting ? ` (${waiting} waiting)` : ""}
                  </span>
                ))
              : undefined,
          ],
          ["Host", resources?.host],
          ["Processors", resources?.cpus],
          ["Memory", resources?.memory && bytes(resources.memory * 1_048_576)],
          ["GPUs", resources?.gpus?.map(({ index, name }) => `${index}: ${name}`).join(", ")],
          ["Address", worker.ip],
          ["User", worker.user?.name],
          ["Tags", worker.tags?.join(", ")],
          ["Registered", absolute(worker.register_time)],
          ["Seen", worker.last_activity_time && <Ago key="seen" at={worker.last_activity_time} />],
        ]}
      />
      <MachineHistory worker={worker.id} />
      <TimeLine worker={worker.id} />
      <CodeBlock
        label="The same on the command line"
        text={`taskyard worker ${told ? "resume" : "pause"} ${worker.id}`}
      />
      {asking && (
        <Confirm
          title={`${ORDERS[asking].word} ${worker.id}`}
          verb={ORDERS[asking].word}
          onClose={() => ask(null)}
          onConfirm={() => order(asking)}
        >
          <p>{ORDERS[asking].what}</p>
          <p class="muted">
            <code>
              taskyard worker {asking} {worker.id}
            </code>
          </p>
        </Confirm>
      )}
    </Sheet>
  );
}

const SPANS = [
  ["1h", "1 h"],
  ["6h", "6 h"],
  ["24h", "24 h"],
  ["7d", "7 d"],
] as const;
type Span = (typeof SPANS)[number][0];
const SECONDS: Record<Span, number> = { "1h": 3_600, "6h": 21_600, "24h": 86_400, "7d": 604_800 };
const POINTS = 120;
const FINEST = 30;

/** The charts, and which metrics each has. Memory in MiB, rates in MiB a second. */
const CHARTS = [
  { title: "Processors and GPUs, %", metrics: ["cpu_usage", "gpu_usage"], top: 100 },
  { title: "Memory", metrics: ["memory_used", "gpu_memory_used"], mebibytes: true },
  { title: "Network, a second", metrics: ["network_rx", "network_tx"], mebibytes: true },
  { title: "Disk, a second", metrics: ["disk_read", "disk_write"], mebibytes: true },
] as const;
const WORDS: Record<string, string> = {
  cpu_usage: "CPU",
  gpu_usage: "GPU",
  memory_used: "Memory",
  gpu_memory_used: "GPU memory",
  network_rx: "Received",
  network_tx: "Sent",
  disk_read: "Read",
  disk_write: "Written",
};

interface Curve {
  name: string;
  metric: string;
  dates: number[];
  values: number[];
}

function MachineHistory({ worker }: { worker: string }) {
  const [span, setSpan] = useState<Span>("1h");
  const { data } = useFresh(
    ["machine", worker, span],
    (abort) => read(worker, span, abort),
    ["workers"],
    { every: 10_000 },
  );
  const curves = data.value ?? [];
  return (
    <>
      <div class="worker-head">
        <h3>The machine</h3>
        <span class="spring" />
        <Segmented label="Span" choices={SPANS} chosen={span} onChoose={setSpan} />
      </div>
      {CHARTS.map((chart) => {
        const shown = curves.filter(({ metric }) =>
          (chart.metrics as readonly string[]).includes(metric),
        );
        const x = shown[0]?.dates ?? [];
        if (x.length < 2) return null;
        return (
          <div key={chart.title}>
            <h4>{chart.title}</h4>
            <Chart
              label={chart.title}
              time
              fromZero
              joined
              x={x}
              series={shown.map(({ name, values }) => ({ name, values }))}
              height={120}
              sync="machine"
              {...("top" in chart && { top: chart.top })}
              {...("mebibytes" in chart && { format: (y: number) => bytes(y * 1_048_576) })}
            />
          </div>
        );
      })}
      {data.value && !curves.some(({ dates }) => dates.length > 1) && (
        <div class="empty">A curve begins after a minute or two.</div>
      )}
    </>
  );
}

async function read(worker: string, span: Span, abort: AbortSignal): Promise<Curve[]> {
  const to = Date.now() / 1000;
  const { workers } = await call(
    "workers.get_stats",
    {
      items: Object.keys(WORDS).map((key) => ({ key, aggregation: "avg" as const })),
      from_date: to - SECONDS[span],
      to_date: to,
      interval: Math.max(FINEST, Math.round(SECONDS[span] / POINTS)),
      worker_ids: [worker],
    },
    { signal: abort },
  );
  type Found = { metric: string; dates: number[]; stats: { values: number[] }[] };
  const found = (workers[0]?.metrics ?? []) as Found[];
  return found.map(({ metric, dates, stats }) => ({
    name: WORDS[metric] ?? metric,
    metric,
    dates: dates.map((milliseconds) => milliseconds / 1000),
    values: stats[0]?.values ?? [],
  }));
}
