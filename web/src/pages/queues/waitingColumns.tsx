import { isPhone } from "../../ui/display";
import { Ago, Nothing, TaskLink } from "../../ui/parts";
import type { Column } from "../../ui/Table";
import { isRead, type Row } from "./order";

type Drag = (row: Row, event: PointerEvent) => void;

function Grip({ row, drag }: { row: Row; drag: Drag }) {
  return (
    <span
      class="grip"
      data-tip="Drag to move; Shift and the arrows do it, too"
      onPointerDown={(event) => drag(row, event)}
    >
      ⠿
    </span>
  );
}

/** The columns of what waits; rows that were not read are empty. */
export function columns(drag: Drag): Column<Row>[] {
  return [
    {
      key: "position",
      head: "#",
      width: 72,
      cell: (row) => (
        <span class="num waiting-place">
          {isRead(row.id) && <Grip row={row} drag={drag} />}
          {row.position}
        </span>
      ),
    },
    {
      key: "task",
      head: "Task",
      phone: true,
      cell: (row) =>
        isRead(row.id) ? (
          <span class="waiting-place">
            {isPhone.value && <Grip row={row} drag={drag} />}
            <TaskLink task={row} />
          </span>
        ) : (
          <span class="muted">…</span>
        ),
    },
    { key: "user", head: "User", width: 90, cell: (row) => row.user ?? <Nothing /> },
    {
      key: "priority",
      head: "Priority",
      width: 80,
      number: true,
      extra: true,
      cell: (row) => row.priority,
    },
    {
      key: "waiting",
      head: "Waiting",
      width: 96,
      number: true,
      phone: true,
      cell: (row) => <Ago at={row.added} />,
    },
    {
      key: "why",
      head: "Why it waits",
      phone: true,
      cell: (row) => (
        <span data-tip={[row.why, row.hint].filter(Boolean).join("\n") || undefined}>
          {row.why || <Nothing />}
        </span>
      ),
    },
  ];
}
