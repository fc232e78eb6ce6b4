import type { Worker } from "../../api/documents";
import { useLive } from "../../live/store";
import { go } from "../../router";
import type { PageProps } from "../../page-props";
import { Page } from "../../shell";
import { Sheet } from "../../ui/Dialog";
import { absolute } from "../../ui/format";
import { Card, Skeleton, TaskLink } from "../../ui/parts";
import { WorkerTable } from "./WorkerTable";

export default function Workers({ params }: PageProps) {
  const { data } = useLive("workers.get_all", { last_seen: 0 }, ["workers"]);
  const workers = data.value?.workers as Worker[] | undefined;
  const open = workers?.find(({ id }) => id === params.id);
  return (
    <Page title="Workers">
      <Card>{workers ? <WorkerTable rows={workers} current={params.id} /> : <Skeleton />}</Card>
      {open && (
        <Sheet title={open.id} onClose={() => go("/workers")}>
          <dl class="facts">
            <dt>Task</dt>
            <dd>
              <TaskLink task={open.task} />
            </dd>
            <dt>Address</dt>
            <dd>{open.ip}</dd>
            <dt>Registered</dt>
            <dd>{absolute(open.register_time)}</dd>
          </dl>
        </Sheet>
      )}
    </Page>
  );
}
