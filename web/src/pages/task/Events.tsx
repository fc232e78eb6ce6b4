// What happened to a task: when, by whom and why.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { JournalLine } from "../../api/actions";
import { whatOf, whoOf, whyOf } from "../../api/journal";
import { useFresh } from "../../live/store";
import { absolute } from "../../ui/format";
import { CopyButton } from "../../ui/CodeBlock";
import { A, Ago, Button, Card, Nothing, Skeleton } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";

const PAGE = 50;

const COLUMNS: Column<JournalLine>[] = [
  {
    key: "at",
    head: "When",
    width: 170,
    phone: true,
    cell: ({ at }) => <span class="num">{absolute(Date.parse(at))}</span>,
  },
  { key: "ago", head: "Ago", width: 84, number: true, cell: ({ at }) => <Ago at={at} /> },
  { key: "what", head: "What", width: 240, phone: true, cell: (line) => capital(whatOf(line)) },
  { key: "who", head: "Who", width: 140, phone: true, cell: (line) => <Who line={line} /> },
  {
    key: "why",
    head: "Why, or what",
    phone: true,
    cell: (line) => whyOf(line) || <Nothing />,
  },
];

function Who({ line }: { line: JournalLine }) {
  const name = whoOf(line);
  if (name) return <>{name}</>;
  if (line.worker) return <A to={`/workers/${encodeURIComponent(line.worker)}`}>{line.worker}</A>;
  return <span class="muted">the server</span>;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function Events({ task }: { task: string }) {
  const [pages, setPages] = useState(1);
  const size = PAGE * pages;
  const lines = useFresh(
    ["journal", task, size],
    async (abort) => (await call("tasks.get_journal", { task, size }, { signal: abort })).lines,
    [`task:${task}`],
  ).data.value;
  if (!lines) return <Skeleton />;
  return (
    <Card
      title="Events"
      note="the latest first"
      actions={<CopyButton text={`taskyard events ${task}`} label="Copy as a command" />}
    >
      <Table
        name="events"
        label="Events"
        columns={COLUMNS}
        rows={lines}
        id={({ id }) => String(id)}
        sorted
        empty={<div class="empty">Nothing is known of it any more.</div>}
      />
      {lines.length === size && (
        <div class="card-body">
          <Button kind="soft" onClick={() => setPages(pages + 1)}>
            Older
          </Button>
        </div>
      )}
    </Card>
  );
}
