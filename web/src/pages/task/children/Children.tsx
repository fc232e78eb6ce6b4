// What was made from a task: the steps of a pipeline, the trials of a search, or clones.
import "./children.css";
import { call } from "../../../api/client";
import type { Task } from "../../../api/documents";
import { useFresh } from "../../../live/store";
import { CodeBlock } from "../../../ui/CodeBlock";
import { A, EmptyState, Notice, Skeleton } from "../../../ui/parts";
import { TASK_FIELDS } from "../../tasks/fields";
import { stepsOf } from "./graph";
import { Steps } from "./Steps";
import { Trials } from "./Trials";

const MOST = 500;
const EVERY = 1_000;
const FIELDS = [...TASK_FIELDS, "active_duration", "hyperparams", "last_metrics"];

/** What a task's children are called. */
export function childrenWord({ type }: Pick<Task, "type">): string {
  if (type === "controller") return "Steps";
  return type === "optimizer" ? "Trials" : "Clones";
}

export function Children({ task }: { task: Task }) {
  const steps = stepsOf(task).flatMap((step) => (step.task ? [step.task] : []));
  const tasks = useFresh(
    ["children", task.id, ...steps],
    (abort) => read(task.id, steps, abort),
    ["tasks"],
    { every: EVERY },
  ).data.value;
  if (!tasks) return <Skeleton />;
  if (task.type === "controller") return <Steps task={task} tasks={tasks} />;
  if (!tasks.length)
    return (
      <EmptyState title={`No ${childrenWord(task).toLowerCase()}`}>
        <p>
          {task.type === "optimizer"
            ? "They come when the search runs."
            : "Tasks that are cloned from this one are compared here: clone it, and change a value."}
        </p>
        {task.parent?.id && (
          <p>
            <A to={`/tasks/${task.parent.id}/children`}>All that were made from its original</A>
          </p>
        )}
        <CodeBlock
          label="The same on the command line"
          text={`taskyard clone ${task.id} --set Args/lr=0.2 --queue default`}
        />
      </EmptyState>
    );
  return (
    <>
      {tasks.length === MOST && <Notice>These are the latest {MOST}.</Notice>}
      {/* Clones are compared with what they were cloned from. */}
      <Trials task={task} trials={task.type === "optimizer" ? tasks : [task, ...tasks]} />
    </>
  );
}

/** Children, and steps that were taken over from an earlier run. */
async function read(parent: string, steps: string[], abort: AbortSignal): Promise<Task[]> {
  const ask = { only_fields: FIELDS, search_hidden: true, page: 0, page_size: MOST };
  const options = { signal: abort };
  const [children, others] = await Promise.all([
    call("tasks.get_all_ex", { ...ask, parent: [parent], order_by: ["-created"] }, options),
    steps.length ? call("tasks.get_all_ex", { ...ask, id: steps }, options) : { tasks: [] },
  ]);
  const found = [...children.tasks, ...others.tasks] as Task[];
  return [...new Map(found.map((one) => [one.id, one])).values()];
}
