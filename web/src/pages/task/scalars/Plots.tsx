import type { Task } from "../../../api/documents";
import { useLive } from "../../../live/store";
import { Card } from "../../../ui/parts";
import { type Plot, readPlot } from "./plotly";
import { PlotView } from "./PlotView";

interface PlotEvent {
  metric: string;
  variant: string;
  iter: number;
  plot_str: string;
}

/** The last plot of each kind that a task reported. */
export function Plots({ task }: { task: Task }) {
  const { data } = useLive(
    "events.get_task_plots",
    { task: task.id, iters: 1, no_scroll: true },
    [`task:${task.id}`],
    { every: 3_000 },
  );
  const plots = (data.value?.plots ?? []) as PlotEvent[];
  if (!plots.length) return null;
  return (
    <>
      <h2 class="section">Plots</h2>
      <div class="charts">
        {plots.map((event) => (
          <OnePlot key={`${event.metric}/${event.variant}/${event.iter}`} event={event} />
        ))}
      </div>
    </>
  );
}

function OnePlot({ event }: { event: PlotEvent }) {
  const name = [event.metric, event.variant].filter(Boolean).join(" / ");
  return (
    <Card
      title={name}
      note={`step ${event.iter}`}
      actions={
        <a
          class="btn soft"
          download={`${name.replace(/\W+/g, "-")}.json`}
          href={`data:application/json,${encodeURIComponent(event.plot_str)}`}
        >
          JSON
        </a>
      }
    >
      <div class="card-body">
        <PlotView plot={parsed(event.plot_str)} label={name} />
      </div>
    </Card>
  );
}

function parsed(text: string): Plot {
  try {
    return readPlot(text);
  } catch {
    return { kind: "other", types: ["something that is no JSON"] };
  }
}
