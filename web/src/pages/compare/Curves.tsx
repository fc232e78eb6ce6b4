import { call } from "../../api/client";
import type { Task } from "../../api/documents";
import { useFresh } from "../../live/store";
import { Chart } from "../../ui/Chart";
import { Card } from "../../ui/parts";
import { aligned, type Curve } from "./aligned";

/** Curves by metric, variant and task. */
type Answer = Record<string, Record<string, Record<string, Curve>>>;

const SAMPLES = 500;
const READ_EVERY = 2_000;

/** Each metric's curves of all tasks in one chart, with one cursor for all charts. */
export function Curves({ tasks }: { tasks: Task[] }) {
  const ids = tasks.map(({ id }) => id);
  const answer = useFresh(
    ["compared curves", ids.join()],
    (abort) =>
      call(
        "events.multi_task_scalar_metrics_iter_histogram",
        { tasks: ids, samples: SAMPLES },
        { signal: abort },
      ),
    ids.map((id) => `task:${id}`),
    { every: READ_EVERY },
  ).data.value as Answer | undefined;
  const charts = Object.entries(answer ?? {}).flatMap(([metric, variants]) =>
    Object.entries(variants).map(([variant, curves]) => ({ metric, variant, curves })),
  );
  if (!charts.length) return null;
  return (
    <div class="columns">
      {charts.map(({ metric, variant, curves }) => {
        const { x, values } = aligned(ids.map((id) => curves[id]));
        return (
          <Card key={`${metric}/${variant}`} title={metric} note={variant}>
            <Chart
              label={`${metric} ${variant} by step`}
              x={x}
              series={tasks.flatMap((task, at) =>
                curves[task.id]
                  ? [{ name: task.name || task.id, values: values[at] ?? [], colour: (at % 8) + 1 }]
                  : [],
              )}
              sync="compare"
            />
          </Card>
        );
      })}
    </div>
  );
}
