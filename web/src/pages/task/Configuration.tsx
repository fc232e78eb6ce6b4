import type { Parameter, Task } from "../../api/documents";
import { Card } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";

const COLUMNS: Column<Parameter>[] = [
  { key: "section", head: "Section", width: 140, cell: (p) => p.section },
  { key: "name", head: "Name", width: 220, phone: true, cell: (p) => p.name },
  { key: "value", head: "Value", phone: true, cell: (p) => <code>{p.value}</code> },
];

export function Configuration({ task }: { task: Task }) {
  const rows = Object.values(task.hyperparams ?? {}).flatMap((section) => Object.values(section));
  return (
    <Card title="Parameters" note={rows.length}>
      <Table
        name="parameters"
        label="Parameters"
        columns={COLUMNS}
        rows={rows}
        id={(p) => `${p.section}/${p.name}`}
        sorted
        empty={<div class="empty">This task has no parameters.</div>}
      />
    </Card>
  );
}
