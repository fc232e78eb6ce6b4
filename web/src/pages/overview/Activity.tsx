import { call } from "../../api/client";
import { useFresh } from "../../live/store";
import { Chart } from "../../ui/Chart";
import { Card } from "../../ui/parts";
import { useSpan } from "../../ui/Spans";

const POINTS = 180;
const COARSEST = 40;
const READ_EVERY = 10_000;

interface Curves {
  x: number[];
  active: number[];
  total: number[];
}

/** How many workers there were, and how many had a task. */
export function Activity() {
  const { span, seconds, chooser } = useSpan("Span", ["3h", "24h", "7d", "30d"], "3h");
  const curves = useFresh(["activity", span], (abort) => read(seconds, abort), ["workers"], {
    every: READ_EVERY,
  }).data.value;
  return (
    <Card title="Workers" note="busy, and all" actions={chooser}>
      {(curves?.x.length ?? 0) > 1 ? (
        <Chart
          label="Workers over time"
          time
          fromZero
          x={curves?.x ?? []}
          series={[
            { name: "Busy", values: curves?.active ?? [], fill: true },
            { name: "All", values: curves?.total ?? [], colour: 8, dashed: true },
          ]}
          height={150}
          format={(y) => (Number.isInteger(y) ? String(y) : "")}
        />
      ) : (
        <div class="empty">{curves && "A curve begins after a minute or two."}</div>
      )}
    </Card>
  );
}

async function read(seconds: number, abort: AbortSignal): Promise<Curves> {
  const to = Date.now() / 1000;
  const { active, total } = await call(
    "workers.get_activity_report",
    {
      from_date: to - seconds,
      to_date: to,
      interval: Math.max(COARSEST, Math.round(seconds / POINTS)),
    },
    { signal: abort },
  );
  return {
    x: total.dates.map((milliseconds) => milliseconds / 1000),
    active: active.counts,
    total: total.counts,
  };
}
