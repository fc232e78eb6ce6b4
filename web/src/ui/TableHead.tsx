// The head of one column: it sorts, is made wider, and is moved among the others.
import { useState } from "preact/hooks";
import { Icon } from "./icons";
import type { Column } from "./Table";
import type { Sort } from "./table-state";

interface HeadProps<Row> {
  column: Column<Row>;
  sort: Sort | undefined;
  sortable: boolean;
  onSort: (sort: Sort) => void;
  onWidth: (width: number) => void;
  /** Put the column `key` in the place of the column `place`. */
  onMove: (key: string, place: string) => void;
  /** The columns shown to the left and to the right. */
  neighbours: [string | undefined, string | undefined];
}

/** The column that is being dragged. */
let dragged: string | null = null;

export function Head<Row>(props: HeadProps<Row>) {
  const { column, sort, sortable, onSort, onWidth, onMove, neighbours } = props;
  const [over, setOver] = useState(false);
  const on = sort?.key === column.key;
  const direction = on ? (sort.descending ? "descending" : "ascending") : undefined;
  return (
    <th
      role="columnheader"
      scope="col"
      class={`${column.number ? "number" : ""} ${over ? "over" : ""}`}
      draggable
      onDragStart={(event) => {
        dragged = column.key;
        event.dataTransfer?.setData("text/plain", column.head);
      }}
      onDragEnd={() => {
        dragged = null;
      }}
      onDragOver={(event) => {
        if (!dragged || dragged === column.key) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (dragged) onMove(dragged, column.key);
      }}
      onKeyDown={(event) => {
        const at = ["ArrowLeft", "ArrowRight"].indexOf(event.key);
        const place = neighbours[at];
        if (!event.altKey || !place) return;
        event.preventDefault();
        onMove(column.key, place);
      }}
      aria-sort={sortable ? (direction ?? "none") : undefined}
    >
      {sortable ? (
        <button
          type="button"
          class="sort"
          onClick={() =>
            onSort({ key: column.key, descending: on ? !sort.descending : !!column.number })
          }
        >
          {column.head}
          {on && <Icon name={sort.descending ? "down" : "up"} size={12} />}
        </button>
      ) : (
        column.head
      )}
      <i
        class="resize"
        draggable
        onDragStart={stay}
        onPointerDown={(event) => resize(event, onWidth)}
      />
    </th>
  );
}

/** A column that is made wider is not carried away with it. */
function stay(event: DragEvent): void {
  event.preventDefault();
  event.stopPropagation();
}

function resize(event: PointerEvent, onWidth: (width: number) => void): void {
  const handle = event.currentTarget as HTMLElement;
  const head = handle.parentElement;
  if (!head) return;
  const [from, before] = [event.clientX, head.offsetWidth];
  handle.setPointerCapture(event.pointerId);
  handle.onpointermove = (move) => onWidth(Math.max(48, before + move.clientX - from));
  handle.onpointerup = () => {
    handle.onpointermove = handle.onpointerup = null;
  };
  event.preventDefault();
}
