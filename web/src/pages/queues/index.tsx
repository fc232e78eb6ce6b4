import type { Entry, Queue } from "../../api/documents";
import { useLive } from "../../live/store";
import type { PageProps } from "../../page-props";
import { Page } from "../../shell";
import { Ago, Card, EmptyState, Skeleton, TaskLink } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { QueueTable } from "./QueueTable";

interface Waiting extends Entry {
  position: number;
}

const WAITING: Column<Waiting>[] = [
  { key: "position", head: "#", width: 60, number: true, cell: (e) => e.position },
  { key: "task", head: "Task", phone: true, cell: (e) => <TaskLink task={e.task} /> },
  {
    key: "added",
    head: "Waiting",
    width: 110,
    number: true,
    phone: true,
    cell: (e) => <Ago at={e.added} />,
  },
];

export default function Queues({ params }: PageProps) {
  const { data } = useLive("queues.get_all_ex", {}, ["queues", "workers"]);
  const queues = data.value?.queues as Queue[] | undefined;
  const open = queues?.find(({ name }) => name === params.name);
  const entries = open?.entries?.map((entry, i) => ({ ...entry, position: i + 1 })) ?? [];
  return (
    <Page title="Queues">
      <Card>{queues ? <QueueTable rows={queues} current={params.name} /> : <Skeleton />}</Card>
      {open && (
        <Card title={`Waiting in ${open.display_name || open.name}`} note={entries.length}>
          <Table
            name="waiting"
            label="Waiting tasks"
            columns={WAITING}
            rows={entries}
            id={(entry) => entry.task.id}
            sorted
            empty={<EmptyState title="No task waits here" />}
          />
        </Card>
      )}
    </Page>
  );
}
