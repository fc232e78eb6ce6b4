// What is mine and running, what waits and why, what is free, what failed, what happened.
import "./overview.css";
import type { Queue, Task, Worker } from "../../api/documents";
import { useLive } from "../../live/store";
import { Page } from "../../shell";
import { Card, Skeleton } from "../../ui/parts";
import { TASK_FIELDS } from "../tasks/fields";
import { AddWorker } from "../welcome/AddWorker";
import { Checklist } from "../welcome/Checklist";
import { FirstTask } from "../welcome/FirstTask";
import { ActiveTasks } from "./ActiveTasks";
import { Activity } from "./Activity";
import { EventFeed, MOST } from "./EventFeed";
import { FailedTasks } from "./FailedTasks";
import { Now } from "./Now";
import { QueueStrip } from "./QueueStrip";

const MOST_ACTIVE = 200;

export default function Overview() {
  const active = useLive(
    "tasks.get_all_ex",
    {
      status: ["queued", "in_progress"],
      only_fields: TASK_FIELDS,
      order_by: ["-status_changed"],
      page: 0,
      page_size: MOST_ACTIVE,
    },
    ["tasks"],
  ).data.value?.tasks as Task[] | undefined;
  const lines = useLive("tasks.get_journal", { size: MOST }, ["tasks"], { every: 1_000 }).data.value
    ?.lines;
  const queues = useLive("queues.get_all_ex", { max_task_entries: 1 }, ["queues", "workers"], {
    every: 1_000,
  }).data.value?.queues as Queue[] | undefined;
  const workers = useLive("workers.get_all", { last_seen: 0 }, ["workers"], {
    every: 1_000,
    pulse: 20_000,
  }).data.value?.workers as Worker[] | undefined;

  // What happened is no part of the first look, but where nothing else is, it says whether ever
  // anything was.
  const busy = !!workers?.length || !!active?.length;
  if (!active || !queues || !workers || (!lines && !busy))
    return (
      <Page title="Overview">
        <Skeleton rows={8} />
      </Page>
    );
  return (
    <Page title="Overview">
      <Checklist workers={workers.length} />
      {busy || lines?.length ? (
        <>
          <Now workers={workers} queues={queues} active={active} />
          <div class="overview-columns">
            <div class="stack">
              <ActiveTasks tasks={active} more={active.length === MOST_ACTIVE} />
              <FailedTasks />
              {!workers.length && (
                <Card title="Workers">
                  <AddWorker />
                </Card>
              )}
              {lines?.length === 0 && (
                <Card title="Tasks">
                  <FirstTask />
                </Card>
              )}
            </div>
            <div class="stack">
              <QueueStrip queues={queues} active={active} />
              <Activity />
              <EventFeed lines={lines ?? []} workers={workers} />
            </div>
          </div>
        </>
      ) : (
        <div class="columns">
          <Card>
            <AddWorker />
          </Card>
          <Card>
            <FirstTask />
          </Card>
        </div>
      )}
    </Page>
  );
}
