// How many waited, and how long, over time: of one queue or of all.
import { call } from "../../api/client";
import { useFresh } from "../../live/store";
import { Chart } from "../../ui/Chart";
import { duration } from "../../ui/format";
import { Card } from "../../ui/parts";
import { useSpan } from "../../ui/Spans";

const POINTS = 180;
/** Seconds: waits are counted by the minute. */
const FINEST = 60;

interface Curves {
  x: number[];
  waiting: number[];
  running: number[];
  half: (number | null)[];
  most: (number | null)[];
  oldest: number[];
}

export function History({ queue }: { queue?: string | undefined }) {
  const { span, seconds, chooser } = useSpan("Span", ["3h", "24h", "7d", "30d"], "3h");
  const { data } = useFresh(
    ["history", queue, span],
    (abort) => read(queue, seconds, abort),
    ["queues"],
    { every: 10_000 },
  );
  const curves = data.value;
  const some = (curves?.x.length ?? 0) > 1;
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
      <Card
        title="Wait before a start"
        note="of those that started, and of the one that waits longest"
      >
        {some && curves ? (
          <Chart
            label="Waiting time over time"
            time
            fromZero
            x={curves.x}
            series={[
              { name: "Half, at most", values: curves.half },
              { name: "95 %, at most", values: curves.most, colour: 3 },
              { name: "Oldest that waits", values: curves.oldest, colour: 2, dashed: true },
            ]}
            joined
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

async function read(
  queue: string | undefined,
  seconds: number,
  abort: AbortSignal,
): Promise<Curves> {
  const to = Date.now() / 1000;
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
    half: found?.p50_waits ?? [],
    most: found?.p95_waits ?? [],
    oldest: found?.oldest_waiting_times ?? [],
  };
}
