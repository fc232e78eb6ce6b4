// A machine over time: processors, each GPU, memory, network and disk.
import { call } from "../../api/client";
import type { Gpu } from "../../api/documents";
import { useFresh } from "../../live/store";
import { Chart } from "../../ui/Chart";
import { bytes } from "../../ui/format";
import { useSpan } from "../../ui/Spans";

const POINTS = 120;
/** Seconds: machines report every half a minute. */
const FINEST = 60;

/** The charts, and which metrics each has. Memory in MiB, rates in MiB a second. */
const CHARTS = [
  { title: "Processors, %", metrics: { cpu_usage: "CPU" }, top: 100 },
  { title: "GPUs, %", metrics: { gpu_usage: "" }, top: 100 },
  { title: "Memory", metrics: { memory_used: "Memory" }, mebibytes: true },
  { title: "Memory of GPUs", metrics: { gpu_memory_used: "" }, mebibytes: true },
  { title: "Temperature of GPUs, °C", metrics: { gpu_temperature: "" } },
  {
    title: "Network, a second",
    metrics: { network_rx: "Received", network_tx: "Sent" },
    mebibytes: true,
  },
  {
    title: "Disk, a second",
    metrics: { disk_read: "Read", disk_write: "Written" },
    mebibytes: true,
  },
] as const;
const METRICS = CHARTS.flatMap(({ metrics }) => Object.keys(metrics));

interface Curve {
  metric: string;
  /** Which of several it is of, as reports number them; empty for the whole. */
  unit: string;
  dates: number[];
  /** Null where the worker did not report. */
  values: (number | null)[];
}

/** `gpus`: those that reports number from 0. */
export function MachineHistory({ worker, gpus }: { worker: string; gpus: Gpu[] }) {
  const { span, seconds, chooser } = useSpan("Span", ["1h", "3h", "24h", "7d"], "3h");
  const { data } = useFresh(
    ["machine", worker, gpus.length, span],
    (abort) => read(worker, gpus, seconds, abort),
    ["workers"],
    { every: 10_000 },
  );
  const curves = data.value ?? [];
  return (
    <>
      <div class="worker-head">
        <h3>The machine</h3>
        <span class="spring" />
        {chooser}
      </div>
      {CHARTS.map((chart) => {
        const words = chart.metrics as Record<string, string>;
        const shown = curves.filter(({ metric }) => metric in words);
        const x = shown[0]?.dates ?? [];
        if (x.length < 2) return null;
        return (
          <div key={chart.title}>
            <h4>{chart.title}</h4>
            <Chart
              label={chart.title}
              time
              fromZero
              x={x}
              series={shown.map(({ metric, unit, values }) => ({
                name: words[metric] || nameOf(gpus, unit),
                values,
              }))}
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

const nameOf = (gpus: Gpu[], unit: string): string => `GPU ${gpus[Number(unit)]?.index ?? unit}`;

const GPU = "gpu_";

/** The machine's own curves are of all of its parts together; each GPU has its own. */
async function read(
  worker: string,
  gpus: Gpu[],
  seconds: number,
  abort: AbortSignal,
): Promise<Curve[]> {
  const to = Date.now() / 1000;
  const ask = async (metrics: string[], split_by_variant: boolean): Promise<Curve[]> => {
    const { workers } = await call(
      "workers.get_stats",
      {
        items: metrics.map((key) => ({ key, aggregation: "avg" as const })),
        from_date: to - seconds,
        to_date: to,
        interval: Math.max(FINEST, Math.round(seconds / POINTS)),
        worker_ids: [worker],
        split_by_variant,
        gaps: true,
      },
      { signal: abort },
    );
    return ((workers[0]?.metrics ?? []) as Found[]).map(({ metric, variant, dates, stats }) => ({
      metric,
      unit: variant ?? "",
      dates: dates.map((milliseconds) => milliseconds / 1000),
      values: stats[0]?.values ?? [],
    }));
  };
  const [machine, cards] = await Promise.all([
    ask(
      METRICS.filter((metric) => !metric.startsWith(GPU)),
      false,
    ),
    gpus.length
      ? ask(
          METRICS.filter((metric) => metric.startsWith(GPU)),
          true,
        )
      : [],
  ]);
  return [...machine, ...withIdle(cards, gpus.length, machine[0])];
}

/** A GPU of which nothing was told was at zero while the machine reported. */
function withIdle(curves: Curve[], gpus: number, machine: Curve | undefined): Curve[] {
  if (!machine) return curves;
  const zero = machine.values.map((value) => value && 0);
  return ["gpu_usage", ...new Set(curves.map(({ metric }) => metric))]
    .filter((metric, at, all) => all.indexOf(metric) === at)
    .flatMap((metric) =>
      Array.from({ length: gpus }, (_, at) => {
        const own = (one: Curve) => one.metric === metric && one.unit === String(at);
        const idle = { metric, unit: String(at), dates: machine.dates, values: zero };
        return curves.find(own) ?? idle;
      }),
    );
}

interface Found {
  metric: string;
  variant?: string;
  dates: number[];
  stats: { values: (number | null)[] }[];
}
