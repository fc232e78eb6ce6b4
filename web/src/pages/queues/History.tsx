// How many waited, and how long, over time: of one queue or of all.
import { call } from "../../api/client";
import { useFresh } from "../../live/store";
import { query, setQuery } from "../../router";
import { Chart } from "../../ui/Chart";
import { duration } from "../../ui/format";
import { Card, Segmented } from "../../ui/parts";

const SPANS = [
  ["3h", "3 h"],
  ["24h", "24 h"],
  ["7d", "7 d"],
] as const;
const SECONDS: Record<string, number> = { "3h": 10_800, "24h": 86_400, "7d": 604_800 };
const POINTS = 180;
const FINEST = 40;

interface Curves {
  x: number[];
  waiting: number[];
  running: number[];
  wait: number[];
  oldest: number[];
}

export function History({ queue }: { queue?: string | undefined }) {
  const wanted = query.value.get("span") ?? "";
  const span = (wanted in SECONDS ? wanted : "3h") as (typeof SPANS)[number][0];
  const { data } = useFresh(
    ["history", queue, span],
    (abort) => read(queue, span, abort),
    ["queues"],
    { every: 10_000 },
  );
  const curves = data.value;
  const some = (curves?.x.length ?? 0) > 1;
  const chooser = (
    <Segmented
      label="Span"
      choices={SPANS}
      chosen={span}
      onChoose={(choice) => setQuery({ span: choice === "3h" ? null : choice })}
    />
  );
  const empty = <div class="empty">{curves && "A curve begins after a minute or two."}</div>;
  return (
    <div class="queue-charts">
      <Card title="Tasks" note="waiting, and running" actions={chooser}>
        {some && curves ? (
          <Chart
            label="Tasks over time"
            time
            fromZero
            x={curves.x}
            series={[
              { name: "Waiting", values: curves.waiting, fill: true },
              { name: "Running", values: curves.running, colour: 3 },
            ]}
            sync="queues"
            height={150}
            format={(y) => (Number.isInteger(y) ? String(y) : "")}
          />
        ) : (
          empty
        )}
      </Card>
      <Card title="Wait before a start" note="average, and the longest">
        {some && curves ? (
          <Chart
            label="Waiting time over time"
            time
            fromZero
            x={curves.x}
            series={[
              { name: "Average", values: curves.wait },
              { name: "First in the queue", values: curves.oldest, colour: 2, dashed: true },
            ]}
            sync="queues"
            height={150}
            format={(seconds) => duration(seconds)}
          />
        ) : (
          empty
        )}
      </Card>
    </div>
  );
}

async function read(queue: string | undefined, span: string, abort: AbortSignal): Promise<Curves> {
  const to = Date.now() / 1000;
  const seconds = SECONDS[span] ?? 0;
  const { queues } = await call(
    "queues.get_queue_metrics",
    {
      from_date: to - seconds,
      to_date: to,
      interval: Math.max(FINEST, Math.round(seconds / POINTS)),
      ...(queue && { queue_ids: [queue] }),
    },
    { signal: abort },
  );
  const found = queues[0];
  return {
    x: (found?.dates ?? []).map((milliseconds) => milliseconds / 1000),
    waiting: found?.queue_lengths ?? [],
    running: found?.running ?? [],
    wait: found?.avg_waiting_times ?? [],
    oldest: found?.oldest_waiting_times ?? [],
  };
}
