import "./queues.css";
import { useState } from "preact/hooks";
import type { Queue } from "../../api/documents";
import { useLive } from "../../live/store";
import type { PageProps } from "../../page-props";
import { query } from "../../router";
import { Page } from "../../shell";
import { Search } from "../../ui/FilterBar";
import { absolute } from "../../ui/format";
import { A, Button, Card, EmptyState, Notice, Skeleton, Tabs, TaskLink } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { Change, NewQueue } from "./Change";
import { serveQueue } from "./commands";
import { History } from "./History";
import { pathOf, QueuePill, QueueTable, waitingIn } from "./QueueTable";
import { Waiting } from "./Waiting";

export default function Queues({ params }: PageProps) {
  const { data } = useLive("queues.get_all_ex", { max_task_entries: 1 }, ["queues", "workers"]);
  const queues = data.value?.queues as Queue[] | undefined;
  if (!queues)
    return (
      <Page title="Queues">
        <Skeleton />
      </Page>
    );
  if (!params.name) return <All queues={queues} />;
  const open = queues.find(({ name, id }) => name === params.name || id === params.name);
  if (open) return <One queue={open} tab={params.tab ?? "tasks"} />;
  return (
    <Page title="No such queue">
      <EmptyState title={`No queue named ${params.name}`}>
        <A to="/queues">All queues</A>
      </EmptyState>
    </Page>
  );
}

function All({ queues }: { queues: Queue[] }) {
  const [making, setMaking] = useState(false);
  const waits = useWaits();
  const text = (query.value.get("q") ?? "").toLowerCase();
  const shown = queues.filter(({ name, display_name: other, id }) =>
    [name, other ?? "", id].some((word) => word.toLowerCase().includes(text)),
  );
  return (
    <Page
      title="Queues"
      actions={
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
          New queue
        </Button>
      }
    >
      <Unserved queues={queues} />
      <Card>
        <div class="filters">
          <Search label="Find a queue" />
        </div>
        <QueueTable rows={shown.map((queue) => ({ ...queue, waits: waits.get(queue.id) }))} />
      </Card>
      <History />
      {making && <NewQueue onClose={() => setMaking(false)} />}
    </Page>
  );
}

/** How long tasks waited in the last day, by queue. */
function useWaits() {
  const { data } = useLive("queues.get_waits", {}, ["queues"], { every: 5_000, pulse: 30_000 });
  return new Map((data.value?.queues ?? []).map((one) => [one.queue, one]));
}

/** The alarm: somebody waits where nobody works. */
function Unserved({ queues }: { queues: Queue[] }) {
  return (
    <>
      {queues
        .filter((queue) => waitingIn(queue) && !queue.workers?.length)
        .map((queue) => (
          <Notice key={queue.id} tone="warn">
            <b>No worker serves {queue.name}.</b>{" "}
            {waitingIn(queue) === 1 ? "A task waits" : `${waitingIn(queue)} tasks wait`}. Start one:{" "}
            <code>{serveQueue(queue.name)}</code>, or <A to={pathOf(queue)}>move them</A>.
          </Notice>
        ))}
    </>
  );
}

type ServingWorker = NonNullable<Queue["workers"]>[number];

const WORKERS: Column<ServingWorker>[] = [
  {
    key: "name",
    head: "Worker",
    phone: true,
    cell: (w) => <A to={`/workers/${encodeURIComponent(w.name)}`}>{w.name}</A>,
  },
  { key: "ip", head: "Address", width: 160, cell: (w) => w.ip },
  { key: "task", head: "Runs", phone: true, cell: (w) => <TaskLink task={w.task} /> },
];

function One({ queue, tab }: { queue: Queue; tab: string }) {
  const workers = queue.workers ?? [];
  return (
    <Page
      title={queue.display_name || queue.name}
      beside={<QueuePill queue={queue} />}
      actions={<Change queue={queue} />}
      under={
        <Tabs
          label="Queue"
          tabs={[
            { key: "tasks", word: "Tasks", count: waitingIn(queue) },
            { key: "workers", word: "Workers", count: workers.length },
            { key: "history", word: "History" },
          ]}
          chosen={tab}
          to={(key) => `${pathOf(queue)}/${key}`}
        />
      }
      fill={tab === "tasks"}
    >
      {queue.paused && (
        <Notice tone="warn">
          <b>
            Paused{queue.pause?.since ? ` since ${absolute(queue.pause.since)}` : ""}
            {queue.pause?.by_name ? ` by ${queue.pause.by_name}` : ""}.
          </b>{" "}
          {queue.pause?.reason || "Nothing is handed out until it is resumed."}
        </Notice>
      )}
      <Unserved queues={[queue]} />
      {tab === "workers" ? (
        <Card>
          <Table
            name="queue-workers"
            label="Workers of the queue"
            columns={WORKERS}
            rows={workers}
            id={(worker) => worker.key}
            sorted
            empty={
              <EmptyState title="No workers serve this queue">
                <p>
                  <code>{serveQueue(queue.name)}</code> starts one.
                </p>
              </EmptyState>
            }
          />
        </Card>
      ) : tab === "history" ? (
        <History queue={queue.id} />
      ) : (
        <Card class="waiting-card">
          <Waiting key={queue.id} queue={queue} />
        </Card>
      )}
    </Page>
  );
}
