import { call } from "../../api/client";
import { useFresh } from "../../live/store";
import { query, setQuery } from "../../router";
import { Chart } from "../../ui/Chart";
import { Card, Segmented } from "../../ui/parts";

const SPANS = [
  ["3h", "3 h"],
  ["24h", "24 h"],
  ["7d", "7 d"],
  ["30d", "30 d"],
] as const;

const SECONDS: Record<string, number> = {
  "3h": 10_800,
  "24h": 86_400,
  "7d": 604_800,
  "30d": 2_592_000,
};
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
  const wanted = query.value.get("span") ?? "";
  const span = (wanted in SECONDS ? wanted : "3h") as (typeof SPANS)[number][0];
  const curves = useFresh(["activity", span], (abort) => read(span, abort), ["workers"], {
    every: READ_EVERY,
  }).data.value;
  return (
    <Card
      title="Workers"
      note="busy, and all"
      actions={
        <Segmented
          label="Span"
          choices={SPANS}
          chosen={span}
          onChoose={(choice) => setQuery({ span: choice === "3h" ? null : choice })}
        />
      }
    >
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

async function read(span: string, abort: AbortSignal): Promise<Curves> {
  const to = Date.now() / 1000;
  const seconds = SECONDS[span] ?? 0;
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
