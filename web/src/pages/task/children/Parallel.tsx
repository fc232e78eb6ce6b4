// Parallel coordinates: a line for each trial through what it was given to what came out.
import type { Task } from "../../../api/documents";
import { go } from "../../../router";
import type { Axis } from "./trials";

const [HEIGHT, TOP, LEFT] = [190, 34, 60];
/** Pixels between two axes: more where there are few. */
const apart = (axes: number): number => (axes > 5 ? 140 : 210);

export function Parallel({ axes, trials, best }: { axes: Axis[]; trials: Task[]; best: string }) {
  const gap = apart(axes.length);
  const width = LEFT * 2 + gap * (axes.length - 1);
  const x = (at: number) => LEFT + at * gap;
  const y = (place: number) => TOP + HEIGHT * (1 - place);
  const line = (trial: number) =>
    axes
      .flatMap(({ places }, at) => {
        const place = places[trial];
        return place === null || place === undefined ? [] : [`${x(at)},${y(place)}`];
      })
      .join(" ");
  const drawn = trials.map((task, at) => ({ task, points: line(at) }));
  // The best one lies over the others.
  drawn.sort((a, b) => Number(a.task.id === best) - Number(b.task.id === best));
  return (
    <div class="parallel" tabIndex={0} role="group" aria-label="Parallel coordinates">
      <svg width={width} height={TOP + HEIGHT + 24} aria-hidden="true">
        {axes.map(({ name, ends }, at) => (
          <g key={name}>
            <line class="parallel-axis" x1={x(at)} x2={x(at)} y1={TOP} y2={TOP + HEIGHT} />
            <text x={x(at)} y={14} class="parallel-name">
              {name}
            </text>
            <text x={x(at)} y={TOP - 6}>
              {ends[1]}
            </text>
            <text x={x(at)} y={TOP + HEIGHT + 16}>
              {ends[0]}
            </text>
          </g>
        ))}
        {drawn.map(({ task, points }) => (
          <polyline
            key={task.id}
            class={`parallel-line ${task.id === best ? "best" : ""}`}
            points={points}
            onClick={() => go(`/tasks/${task.id}`)}
          >
            <title>{task.name}</title>
          </polyline>
        ))}
      </svg>
    </div>
  );
}
