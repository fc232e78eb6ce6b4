import type { Task } from "../../api/documents";
import { useLive } from "../../live/store";
import { query } from "../../router";
import { Page } from "../../shell";
import { Card, EmptyState } from "../../ui/parts";
import { TaskTable } from "../tasks/TaskTable";

export default function Compare() {
  const ids = (query.value.get("ids") ?? "").split(",").filter(Boolean).slice(0, 10);
  const { data } = useLive("tasks.get_all_ex", { id: ids.length ? ids : ["-"] }, ["tasks"]);
  return (
    <Page title="Compare">
      <Card>
        <TaskTable
          name="compared"
          rows={(data.value?.tasks as Task[]) ?? []}
          empty={<EmptyState title="Choose two to ten tasks in the list of tasks" />}
        />
      </Card>
    </Page>
  );
}
