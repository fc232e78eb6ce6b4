import type { Task } from "../../api/documents";
import { useLive } from "../../live/store";
import { Page } from "../../shell";
import { Card, Skeleton } from "../../ui/parts";
import { TASK_FIELDS } from "./fields";
import { FirstTask } from "../welcome/FirstTask";
import { TaskTable } from "./TaskTable";

export default function Tasks() {
  const { data } = useLive(
    "tasks.get_all_ex",
    { only_fields: TASK_FIELDS, order_by: ["-last_update"], page: 0, page_size: 100 },
    ["tasks"],
  );
  const tasks = data.value?.tasks as Task[] | undefined;
  return (
    <Page title="Tasks" fill>
      <Card title="All tasks" note="newest change first">
        {tasks ? <TaskTable fill name="all" rows={tasks} empty={<FirstTask />} /> : <Skeleton />}
      </Card>
    </Page>
  );
}
