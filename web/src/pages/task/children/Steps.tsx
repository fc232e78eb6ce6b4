// A pipeline: its steps from left to right, each with how it stands, and what it waits for.
import type { Task } from "../../../api/documents";
import { reasonOf } from "../../../api/reason";
import { go } from "../../../router";
import { isPhone } from "../../../ui/display";
import { A, Card, Nothing, Span, TaskLink } from "../../../ui/parts";
import { Pill, StatusPill } from "../../../ui/Pill";
import { type Column, Table } from "../../../ui/Table";
import { type Placed, placed, type Step, stepsOf, withTasks } from "./graph";

const [WIDTH, HEIGHT, ACROSS, DOWN] = [190, 64, 56, 18];

interface Shown {
  step: Step;
  task: Task | undefined;
}

export function Steps({ task, tasks }: { task: Task; tasks: Task[] }) {
  const children = tasks.filter(({ parent }) => parent?.id === task.id);
  const steps = withTasks(stepsOf(task), children);
  const byId = new Map(tasks.map((one) => [one.id, one]));
  const places = placed(steps);
  return (
    <>
      {!isPhone.value && (
        <Card title="Graph" note="each step after what it waits for">
          <Graph places={places} tasks={byId} />
        </Card>
      )}
      <Card title="Steps">
        <Table
          name="steps"
          label="Steps"
          columns={COLUMNS}
          rows={places.map(({ step }) => ({ step, task: byId.get(step.task) }))}
          id={({ step }) => `${step.name} ${step.task}`}
          sorted
          onOpen={({ step }) => step.task && go(`/tasks/${step.task}`)}
          empty={<div class="empty">No step yet: they come when the pipeline runs.</div>}
        />
      </Card>
    </>
  );
}

function Graph({ places, tasks }: { places: Placed[]; tasks: Map<string, Task> }) {
  const at = new Map(places.map((one) => [one.step.name, one]));
  const left = ({ column }: Placed) => column * (WIDTH + ACROSS);
  const top = ({ row }: Placed) => row * (HEIGHT + DOWN);
  const width = Math.max(0, ...places.map((one) => left(one) + WIDTH));
  const height = Math.max(0, ...places.map((one) => top(one) + HEIGHT));
  return (
    <div class="graph" tabIndex={0} role="group" aria-label="Graph of the steps">
      <div class="graph-room" style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          {places.flatMap((to) =>
            to.step.parents.map((name) => {
              const from = at.get(name);
              if (!from) return null;
              const [x1, y1] = [left(from) + WIDTH, top(from) + HEIGHT / 2];
              const [x2, y2] = [left(to), top(to) + HEIGHT / 2];
              const middle = (x1 + x2) / 2;
              const path = `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
              return <path key={`${name} ${to.step.name}`} d={path} />;
            }),
          )}
        </svg>
        {places.map((one) => (
          <div
            key={`${one.step.name} ${one.step.task}`}
            class="graph-step"
            style={{ left: `${left(one)}px`, top: `${top(one)}px` }}
          >
            <b title={one.step.name}>
              {one.step.task ? (
                <A to={`/tasks/${one.step.task}`}>{one.step.name}</A>
              ) : (
                one.step.name
              )}
            </b>
            <State step={one.step} task={tasks.get(one.step.task)} />
          </div>
        ))}
      </div>
    </div>
  );
}

function State({ step, task }: Shown) {
  if (!task) return <Pill tone="draft">{step.said === "skipped" ? "Skipped" : "Not begun"}</Pill>;
  return (
    <span>
      <StatusPill status={task.status} />{" "}
      {task.started && <Span from={task.started} to={task.completed ?? null} />}
    </span>
  );
}

const COLUMNS: Column<Shown>[] = [
  { key: "name", head: "Step", width: 200, phone: true, cell: ({ step }) => step.name },
  { key: "state", head: "State", width: 190, phone: true, cell: (one) => <State {...one} /> },
  {
    key: "after",
    head: "After",
    width: 200,
    phone: true,
    cell: ({ step }) => step.parents.join(", ") || <Nothing />,
  },
  { key: "task", head: "Task", phone: true, cell: ({ task }) => <TaskLink task={task} /> },
  {
    key: "why",
    head: "Why",
    cell: ({ task }) => (task && reasonOf(task)) || <Nothing />,
  },
];
