// Two to ten tasks side by side: what they differ in, what they measured, their curves.
import "./compare.css";
import { useState } from "preact/hooks";
import type { Task } from "../../api/documents";
import { useLive } from "../../live/store";
import { query, setQuery } from "../../router";
import { Page } from "../../shell";
import { value } from "../../ui/format";
import {
  Card,
  EmptyState,
  IconButton,
  Nothing,
  Segmented,
  Skeleton,
  TaskLink,
} from "../../ui/parts";
import { StatusPill } from "../../ui/Pill";
import { type Column, Table } from "../../ui/Table";
import { AddTask } from "./AddTask";
import { Curves } from "./Curves";
import { metricsOf, type Row, rowsOf } from "./differences";
import { WholeValues } from "./WholeValues";

export const MOST = 10;

const choose = (ids: string[]): void => setQuery({ ids: ids.join(",") });

export default function Compare() {
  const ids = [...new Set((query.value.get("ids") ?? "").split(",").filter(Boolean))].slice(
    0,
    MOST,
  );
  const add = ids.length < MOST && <AddTask without={ids} onAdd={(id) => choose([...ids, id])} />;
  return (
    <Page title="Compare" actions={add}>
      {ids.length ? (
        <Compared key={ids.join()} ids={ids} />
      ) : (
        <EmptyState title="Nothing to compare yet">
          <p>Add two to ten tasks here, or select them in the list of tasks.</p>
        </EmptyState>
      )}
    </Page>
  );
}

function Compared({ ids }: { ids: string[] }) {
  const { data } = useLive(
    "tasks.get_all_ex",
    { id: ids, search_hidden: true },
    ids.map((id) => `task:${id}`),
    { every: 1_000 },
  );
  const found = data.value?.tasks as Task[] | undefined;
  if (!found) return <Skeleton rows={10} />;
  const tasks = ids.flatMap((id) => found.find((task) => task.id === id) ?? []);
  return (
    <>
      <Chosen tasks={tasks} ids={ids} />
      {tasks.length < ids.length && (
        <p class="muted">{ids.length - tasks.length} of them do not exist, or no more.</p>
      )}
      <Differences tasks={tasks} />
      <Measured tasks={tasks} />
      <Curves tasks={tasks} />
    </>
  );
}

function Chosen({ tasks, ids }: { tasks: Task[]; ids: string[] }) {
  return (
    <ul class="compare-chosen">
      {tasks.map((task, at) => (
        <li key={task.id} class="card">
          <i class={`line c${(at % 8) + 1}`} />
          <TaskLink task={task} />
          <StatusPill status={task.status} />
          <IconButton
            icon="cross"
            label={`Leave out ${task.name}`}
            onClick={() => choose(ids.filter((id) => id !== task.id))}
          />
        </li>
      ))}
    </ul>
  );
}

const CHOICES = [
  ["different", "What differs"],
  ["all", "Everything"],
] as const;

function Differences({ tasks }: { tasks: Task[] }) {
  const [whole, setWhole] = useState<Row | null>(null);
  const all = query.value.get("all") !== null;
  const rows = rowsOf(tasks);
  const shown = all ? rows : rows.filter(({ differs }) => differs);
  const columns: Column<Row>[] = [
    { key: "section", head: "Section", width: 160, sort: (r) => r.section, cell: (r) => r.section },
    {
      key: "name",
      head: "Name",
      width: 170,
      phone: true,
      sort: (r) => r.name,
      cell: (r) => r.name,
    },
    ...tasks.map((task, at): Column<Row> => ({
      key: task.id,
      head: task.name,
      phone: true,
      cell: (row) => <Value text={row.values[at]} onWhole={() => setWhole(row)} />,
    })),
  ];
  return (
    <Card
      title="Configuration"
      note={`${rows.filter(({ differs }) => differs).length} of ${rows.length} differ`}
      actions={
        <Segmented
          label="Rows"
          choices={CHOICES}
          chosen={all ? "all" : "different"}
          onChoose={(choice) => setQuery({ all: choice === "all" ? "1" : null })}
        />
      }
    >
      <Table
        name="compare"
        label="Configuration side by side"
        columns={columns}
        rows={shown}
        id={(row) => `${row.section}/${row.name}`}
        rowClass={(row) => (row.differs && all ? "compare-differs" : "")}
        empty={
          <EmptyState title={rows.length ? "They do not differ" : "They have no configuration"} />
        }
      />
      {whole && <WholeValues row={whole} tasks={tasks} onClose={() => setWhole(null)} />}
    </Card>
  );
}

function Value({ text, onWhole }: { text: string | undefined; onWhole: () => void }) {
  if (text === undefined) return <Nothing />;
  const lines = text.trimEnd().split("\n");
  if (lines.length === 1) return <code title={text}>{text}</code>;
  return (
    <button type="button" class="link" onClick={onWhole}>
      {lines.length} lines
    </button>
  );
}

interface Measurement {
  name: string;
  values: (number | undefined)[];
}

function Measured({ tasks }: { tasks: Task[] }) {
  const rows = metricsOf(tasks);
  if (!rows.length) return null;
  const columns: Column<Measurement>[] = [
    { key: "name", head: "Last value of", phone: true, sort: (r) => r.name, cell: (r) => r.name },
    ...tasks.map((task, at): Column<Measurement> => ({
      key: task.id,
      head: task.name,
      number: true,
      phone: true,
      sort: (row) => row.values[at],
      cell: (row) => {
        const measured = row.values[at];
        return measured === undefined ? <Nothing /> : value(measured);
      },
    })),
  ];
  return (
    <Card title="Values" note={rows.length}>
      <Table
        name="compare-values"
        label="Last values side by side"
        columns={columns}
        rows={rows}
        id={(row) => row.name}
      />
    </Card>
  );
}
