// One row of a table, drawn again only when what it shows is another one.
import type { ComponentChildren } from "preact";
import { memo } from "preact/compat";
import type { Column } from "./Table";

interface RowProps<Row> {
  id: string;
  at: number;
  row: Row;
  columns: Column<Row>[];
  signature: string;
  extra: string;
  current: boolean;
  active: boolean;
  checked: boolean | null;
  actions?: ((row: Row) => ComponentChildren) | undefined;
  onCheck: (at: number, range: boolean) => void;
  onOpen?: ((row: Row) => void) | undefined;
  phone: boolean;
  height: number;
}

function PlainRow<Row>(props: RowProps<Row>) {
  const { row, columns, checked, phone } = props;
  const classes = [props.extra, props.current ? "current" : "", props.active ? "active" : ""];
  return (
    <tr
      id={props.id}
      role="row"
      aria-rowindex={props.at + 2}
      aria-selected={checked === null ? undefined : checked}
      class={`${classes.join(" ")} ${checked ? "selected" : ""}`}
      style={{ height: `${props.height}px` }}
      onClick={(event) => {
        if (!(event.target as Element).closest("a,button,input,label,.menu")) props.onOpen?.(row);
      }}
    >
      {checked !== null && (
        <td role="gridcell" class="check">
          <input
            type="checkbox"
            aria-label="Select"
            checked={checked}
            onClick={(event) => props.onCheck(props.at, event.shiftKey)}
          />
        </td>
      )}
      {columns.map((column) => (
        <td
          role="gridcell"
          key={column.key}
          class={column.number && !phone ? "number num" : ""}
          data-label={column.head}
        >
          {column.cell(row)}
        </td>
      ))}
      {props.actions && (
        <td role="gridcell" class="row-actions">
          {props.actions(row)}
        </td>
      )}
    </tr>
  );
}

export const TableRow = memo(PlainRow, (before, after) => {
  const parts = [
    "row",
    "id",
    "signature",
    "extra",
    "current",
    "active",
    "checked",
    "phone",
    "height",
  ] as const;
  return parts.every((part) => Object.is(before[part], after[part]));
}) as unknown as typeof PlainRow;
