// Rows of workers, bars of what they ran.
import { call } from "../../api/client";
import { useFresh } from "../../live/store";
import { clock, duration } from "../../ui/format";
import { A, Card, Skeleton } from "../../ui/parts";
import { useSpan } from "../../ui/Spans";
import { placeOf, type Run } from "./fleet";
import { type Lane, lanes } from "./timeline";

interface TimeLineProps {
  /** Of this worker's machine only. */
  agent?: string;
  /** Of it, only what ran as this worker of its own. */
  part?: string;
}

export function TimeLine({ agent, part }: TimeLineProps) {
  const { span, seconds, chooser } = useSpan(
    "Span of the time line",
    ["1h", "3h", "24h", "7d"],
    "3h",
  );
  const { data } = useFresh(
    ["timeline", span, agent, part],
    async (abort) => {
      const to = Date.now();
      const from = to - seconds * 1000;
      const ask = { from_date: from / 1000, to_date: to / 1000 };
      const { runs } = await call(
        "workers.get_timeline",
        { ...ask, ...(agent && { worker_ids: [agent] }) },
        { signal: abort },
      );
      const wanted = part ? runs.filter((run) => placeOf(run).worker === part) : runs;
      return { from, to, rows: lanes(wanted, from, to, to) };
    },
    ["tasks", "workers"],
    { every: 5_000 },
  );
  const found = data.value;
  return (
    <Card title="Who ran what" actions={chooser}>
      {!found ? (
        <Skeleton />
      ) : found.rows.length ? (
        <div class="timeline card-body">
          {found.rows.map((lane, at) => (
            <div key={at} class="lane">
              <span
                class={`lane-name ${lane.part ? "worker-part" : ""}`}
                title={lane.part || lane.agent}
              >
                {nameOf(lane, found.rows[at - 1])}
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

/** A row that goes on with the one above needs no name again. */
function nameOf(lane: Lane, above: Lane | undefined): string {
  if (above?.agent === lane.agent && above.part === lane.part) return "";
  return lane.part.startsWith(`${lane.agent}:`)
    ? lane.part.slice(lane.agent.length + 1)
    : lane.part || lane.agent;
}

const took = (run: Run, now: number): string => duration(((run.ended ?? now) - run.taken) / 1000);
