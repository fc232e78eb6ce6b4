import type { Queue, Task, Worker } from "../../api/documents";
import { useLive } from "../../live/store";
import { Page } from "../../shell";
import { Card } from "../../ui/parts";
import { QueueTable } from "../queues/QueueTable";
import { TASK_FIELDS } from "../tasks/fields";
import { NoTasks } from "../tasks/NoTasks";
import { TaskTable } from "../tasks/TaskTable";
import { WorkerTable } from "../workers/WorkerTable";

export default function Overview() {
  const active = useLive(
    "tasks.get_all_ex",
    {
      status: ["queued", "in_progress"],
      only_fields: TASK_FIELDS,
      order_by: ["-last_update"],
      page: 0,
      page_size: 100,
    },
    ["tasks"],
  ).data.value?.tasks as Task[] | undefined;
  const ended = useLive(
    "tasks.get_all_ex",
    {
      status: ["completed", "failed", "stopped"],
      only_fields: TASK_FIELDS,
      order_by: ["-last_update"],
      page: 0,
      page_size: 8,
    },
    ["tasks"],
  ).data.value?.tasks as Task[] | undefined;
  const queues = useLive("queues.get_all_ex", {}, ["queues", "workers"]).data.value?.queues;
  const workers = useLive("workers.get_all", { last_seen: 0 }, ["workers"]).data.value?.workers;
  return (
    <Page title="Overview">
      <Card title="Running and waiting" note={active?.length}>
        <TaskTable name="active" rows={active ?? []} empty="Nothing runs or waits." />
      </Card>
      <Card title="Queues">
        <QueueTable rows={(queues as Queue[]) ?? []} />
      </Card>
      <Card title="Workers">
        <WorkerTable rows={(workers as Worker[]) ?? []} />
      </Card>
      <Card title="Ended last">
        <TaskTable name="ended" rows={ended ?? []} empty={<NoTasks />} />
      </Card>
    </Page>
  );
}
