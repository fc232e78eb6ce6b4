// Curves, as finely as the screen shows them; a span that is dragged over is read in full.
import { useEffect, useState } from "preact/hooks";
import { call } from "../../../api/client";
import type { Task } from "../../../api/documents";
import { useFresh } from "../../../live/store";
import { query, setQuery } from "../../../router";
import { Chart, loadCharts } from "../../../ui/Chart";
import { Search } from "../../../ui/FilterBar";
import { value } from "../../../ui/format";
import { Button, Card, EmptyState, Kpi, Segmented, Skeleton } from "../../../ui/parts";
import { CodeBlock } from "../../../ui/CodeBlock";
import { Images } from "./Images";
import { Plots } from "./Plots";
import { align, type Curve, smooth } from "./smooth";
import "./scalars.css";

const STEPS = 800;
/** Charts are read again at most so often while a task runs: milliseconds. */
const EVERY = 2_000;

type Axis = "iter" | "timestamp";
type Span = [number, number];

interface Metric {
  name: string;
  curves: Curve[];
}

const CODE = `from clearml import Logger
Logger.current_logger().report_scalar("loss", "train", value=loss, iteration=step)`;

export function Scalars({ task }: { task: Task }) {
  const axis: Axis = query.value.get("x") === "time" ? "timestamp" : "iter";
  const weight = Number(query.value.get("smooth") ?? 0);
  const log = query.value.get("log") === "1";
  const wanted = (query.value.get("q") ?? "").toLowerCase();
  const [span, setSpan] = useState<Span | null>(null);
  useEffect(() => void loadCharts(), []);
  const { data } = useFresh(
    ["scalars", task.id, axis, ...(span ?? [])],
    (abort) => read(task.id, axis, span, abort),
    [`task:${task.id}`],
    { every: EVERY },
  );
  const metrics = data.value?.filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <>
      <div class="filters">
        <Segmented
          label="Axis"
          choices={[
            ["iter", "Steps"],
            ["timestamp", "Time"],
          ]}
          chosen={axis}
          onChoose={(choice) => {
            setSpan(null);
            setQuery({ x: choice === "timestamp" ? "time" : null });
          }}
        />
        <label class="check-field">
          Smoothing
          <input
            type="range"
            min="0"
            max="0.99"
            step="0.01"
            value={weight}
            onInput={(event) => {
              const chosen = event.currentTarget.value;
              setQuery({ smooth: Number(chosen) ? chosen : null });
            }}
          />
          <span class="num">{weight.toFixed(2)}</span>
        </label>
        <label class="check-field">
          <input
            type="checkbox"
            checked={log}
            onChange={() => setQuery({ log: log ? null : "1" })}
          />
          Logarithmic
        </label>
        {span && <Button onClick={() => setSpan(null)}>All of it</Button>}
        <span class="spring" />
        <Search label="Find a metric" />
      </div>
      <SingleValues task={task} />
      {!metrics ? (
        <Skeleton />
      ) : metrics.length ? (
        <div class="charts">
          {metrics.map((metric) => (
            <MetricChart
              key={`${metric.name} ${axis}`}
              metric={metric}
              axis={axis}
              weight={weight}
              log={log}
              onZoom={setSpan}
            />
          ))}
        </div>
      ) : data.value?.length ? (
        <EmptyState title={`No metric is named like ${wanted}`} />
      ) : (
        <NoScalars task={task} />
      )}
      <Plots task={task} />
      <Images task={task} />
    </>
  );
}

interface MetricChartProps {
  metric: Metric;
  axis: Axis;
  weight: number;
  log: boolean;
  onZoom: (span: Span | null) => void;
}

function MetricChart({ metric, axis, weight, log, onZoom }: MetricChartProps) {
  const { x, series } = align(metric.curves);
  const time = axis === "timestamp";
  return (
    <Card title={metric.name}>
      <div class="card-body">
        <Chart
          label={metric.name}
          x={time ? x.map((at) => at / 1000) : x}
          series={series.map((one) => ({
            name: one.name,
            values: smooth(one.values, weight),
            ...(weight === 0 && { low: one.low, high: one.high }),
          }))}
          time={time}
          log={log}
          joined
          height={220}
          sync="scalars"
          onZoom={(found) => onZoom(found && whole(found, time))}
        />
      </div>
    </Card>
  );
}

/** A span of the chart in the server's units. */
const whole = ([from, to]: Span, time: boolean): Span => {
  const unit = time ? 1000 : 1;
  return [Math.floor(from * unit), Math.ceil(to * unit)];
};

async function read(
  task: string,
  key: Axis,
  span: Span | null,
  abort: AbortSignal,
): Promise<Metric[]> {
  const part = span ? { from: span[0], to: span[1] } : {};
  const { curves } = await call(
    "events.scalar_window",
    { task, key, steps: STEPS, ...part },
    { signal: abort },
  );
  const metrics = new Map<string, Curve[]>();
  for (const { metric, variant, x, mean, low, high } of curves) {
    const found = metrics.get(metric) ?? [];
    found.push({ name: variant, x, y: mean, low, high });
    metrics.set(metric, found);
  }
  return [...metrics].map(([name, found]) => ({ name, curves: found }));
}

function SingleValues({ task }: { task: Task }) {
  const { data } = useFresh(
    ["single", task.id],
    (abort) =>
      call("events.get_task_single_value_metrics", { tasks: [task.id] }, { signal: abort }),
    [`task:${task.id}`],
    { every: EVERY },
  );
  const values = data.value?.tasks[0]?.values as
    { metric: string; variant: string; value: number }[] | undefined;
  if (!values?.length) return null;
  return (
    <div class="kpis">
      {values.map((one) => (
        <Kpi
          key={`${one.metric}/${one.variant}`}
          label={one.variant || one.metric}
          value={value(one.value)}
        />
      ))}
    </div>
  );
}

function NoScalars({ task }: { task: Task }) {
  if (task.status === "created" || task.status === "queued")
    return <EmptyState title="No scalars">They come when the task runs.</EmptyState>;
  return (
    <EmptyState title="No scalars">
      <p>{task.status === "in_progress" ? "Nothing was reported yet." : "It reported none."}</p>
      <CodeBlock label="How to report" text={CODE} />
    </EmptyState>
  );
}
