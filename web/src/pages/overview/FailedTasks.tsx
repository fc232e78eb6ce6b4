import { call } from "../../api/client";
import type { Task } from "../../api/documents";
import { useFresh } from "../../live/store";
import { Ago, Button, Card, TaskLink } from "../../ui/parts";
import { StatusPill } from "../../ui/Pill";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";
import { TASK_FIELDS } from "../tasks/fields";
import { reasonOf } from "../../api/reason";

const DAY = 86_400_000;
const MOST = 8;

/** What failed since yesterday: each with its reason and the next step. */
export function FailedTasks() {
  const failed = useFresh(["failed"], read, ["tasks"], { every: 1_000 }).data.value;
  if (!failed?.length) return null;
  return (
    <Card title="Failed since yesterday" note={failed.length === MOST ? "the latest" : undefined}>
      <ul class="overview-list">
        {failed.map((task) => (
          <li key={task.id}>
            <StatusPill status={task.status} />
            <span class="overview-what">
              <TaskLink task={task} />
              <small title={reason(task)}>{reason(task)}</small>
            </span>
            <Ago at={task.status_changed} />
            <Button kind="soft" icon="retry" onClick={() => void retry(task)}>
              Retry
            </Button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

async function read(abort: AbortSignal): Promise<Task[]> {
  const since = new Date(Date.now() - DAY).toISOString();
  const { tasks } = await call(
    "tasks.get_all_ex",
    {
      status: ["failed"],
      status_changed: [`>=${since}`],
      only_fields: TASK_FIELDS,
      order_by: ["-status_changed"],
      page: 0,
      page_size: MOST,
    },
    { signal: abort },
  );
  return tasks as Task[];
}

const reason = (task: Task): string => reasonOf(task) || "no reason given";

async function retry(task: Task): Promise<void> {
  const queue = task.execution?.queue?.id;
  const ask = { task: task.id, ...(queue && { queue }) };
  if (!(await tried(() => call("tasks.enqueue", ask)))) return;
  toast(`${task.name} is queued again`, {
    undo: () => tried(() => call("tasks.dequeue", { task: task.id })),
  });
}
