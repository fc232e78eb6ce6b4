// Rows of workers, bars of what they ran.
import { call } from "../../api/client";
import { useFresh } from "../../live/store";
import { query, setQuery } from "../../router";
import { clock, duration } from "../../ui/format";
import { A, Card, Segmented, Skeleton } from "../../ui/parts";
import { lanes, type Run } from "./timeline";

const SPANS = [
  ["1h", "1 h"],
  ["3h", "3 h"],
  ["24h", "24 h"],
  ["7d", "7 d"],
] as const;
const SECONDS: Record<string, number> = { "1h": 3_600, "3h": 10_800, "24h": 86_400, "7d": 604_800 };

export function TimeLine({ worker }: { worker?: string }) {
  const wanted = query.value.get("span") ?? "";
  const span = (wanted in SECONDS ? wanted : "3h") as (typeof SPANS)[number][0];
  const { data } = useFresh(
    ["timeline", span, worker],
    async (abort) => {
      const to = Date.now();
      const from = to - (SECONDS[span] ?? 0) * 1000;
      const ask = { from_date: from / 1000, to_date: to / 1000 };
      const { runs } = await call(
        "workers.get_timeline",
        { ...ask, ...(worker && { worker_ids: [worker] }) },
        { signal: abort },
      );
      return { from, to, rows: lanes(runs as unknown as Run[], from, to, to) };
    },
    ["tasks", "workers"],
    { every: 5_000 },
  );
  const found = data.value;
  return (
    <Card
      title="Who ran what"
      actions={
        <Segmented
          label="Span of the time line"
          choices={SPANS}
          chosen={span}
          onChoose={(choice) => setQuery({ span: choice === "3h" ? null : choice })}
        />
      }
    >
      {!found ? (
        <Skeleton />
      ) : found.rows.length ? (
        <div class="timeline card-body">
          {found.rows.map((lane, at) => (
            <div key={at} class="lane">
              <span class="lane-name" title={lane.worker}>
                {found.rows[at - 1]?.worker === lane.worker ? "" : lane.worker}
              </span>
              <span class="lane-bars">
                {lane.bars.map(({ run, left, width, preparing }) => (
                  <A
                    key={`${run.task}.${run.attempt}`}
                    to={`/tasks/${run.task}`}
                    class={`bar ${run.state}`}
                    style={{ left: `${left}%`, width: `${width}%` }}
                    aria-label={`${run.name}, ${run.state}`}
                    data-tip={`${run.name}\n${run.state}, ${took(run, found.to)}`}
                  >
                    <i style={{ width: `${preparing}%` }} />
                  </A>
                ))}
              </span>
            </div>
          ))}
          <div class="lane lane-times num">
            <span />
            <span>
              {clock(new Date(found.from))}
              <span>{clock(new Date((found.from + found.to) / 2))}</span>
              <span>now</span>
            </span>
          </div>
        </div>
      ) : (
        <div class="empty">Nothing ran in this span.</div>
      )}
    </Card>
  );
}

const took = (run: Run, now: number): string => duration(((run.ended ?? now) - run.taken) / 1000);
