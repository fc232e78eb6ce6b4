// The one table: windowed rows of a fixed height, sorted, selected and walked by keys.
import "./Table.css";
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { isPhone, rowHeight } from "./display";
import { Head } from "./TableHead";
import { TableRow } from "./TableRow";
import { arranged, compareValues, layoutOf, movedTo, type Sort } from "./table-state";
import { windowOf } from "./window";

export interface Column<Row> {
  key: string;
  head: string;
  /** Pixels; the columns without one share what is left. */
  width?: number;
  /** Numbers stand right, in digits of one width. */
  number?: boolean;
  cell: (row: Row) => ComponentChildren;
  /** What the table is sorted by; a column without it cannot be sorted by. */
  sort?: (row: Row) => unknown;
  /** Whether it stands on the card of a phone; the first of them is the card's title. */
  phone?: boolean;
  /** Hidden until somebody asks for it. */
  extra?: boolean;
}

export interface TableProps<Row> {
  /** Names the table; what somebody changes about it is kept under this name. */
  name: string;
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  id: (row: Row) => string;
  sort?: Sort;
  /** Sorting is done elsewhere, or kept in the address; without it the table sorts by itself. */
  onSort?: (sort: Sort) => void;
  /** Rows come in their order already. */
  sorted?: boolean;
  selected?: Signal<ReadonlySet<string>>;
  /** Enter, or a click beside links and buttons. */
  onOpen?: (row: Row) => void;
  /** The row that is open elsewhere. */
  current?: string | undefined;
  /** A menu at the end of each row. */
  actions?: (row: Row) => ComponentChildren;
  /** Pixels that these need; a menu's width when not said. */
  actionsWidth?: number;
  empty?: ComponentChildren;
  /** The table takes the height that is there, and scrolls inside. */
  fill?: boolean;
  rowClass?: (row: Row) => string;
  /** Hears which rows are drawn, for a list of which only a part is read: `end` is one beyond the
   * last. */
  onView?: (first: number, end: number) => void;
}

/** The least width of a column that has none of its own: pixels. */
const FREE = 150;
const PHONE_LINE = 20;
const PHONE_PADDING = 20;

export function Table<Row>(props: TableProps<Row>) {
  const { name, columns, rows, id, selected, actions } = props;
  const hidden = useMemo(() => columns.filter((c) => c.extra).map((c) => c.key), [name]);
  const layout = layoutOf(name, hidden);
  const [own, setOwn] = useState<Sort | undefined>(props.sort);
  const sort = props.onSort ? props.sort : own;
  const phone = isPhone.value;
  const all = phone ? columns : arranged(columns, layout.value.order);
  const shown = all.filter((c) => (phone ? c.phone : !layout.value.hidden.includes(c.key)));
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const [active, setActive] = useState(-1);
  const anchor = useRef(0);
  const over = useRef(false);
  const frozen = useRef<string[]>([]);

  const ordered = useMemo(
    () =>
      props.sorted ? rows : order(rows, columns, sort, id, over.current ? frozen.current : null),
    [rows, sort?.key, sort?.descending, props.sorted],
  );
  frozen.current = useMemo(() => ordered.map(id), [ordered]);
  const height = phone ? PHONE_PADDING + shown.length * PHONE_LINE : rowHeight.value;
  const part = windowOf(ordered.length, height, view.top, view.height);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => setView({ top: element.scrollTop, height: element.clientHeight });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ordered.length === 0]);

  useLayoutEffect(() => props.onView?.(part.first, part.end), [part.first, part.end]);

  if (!ordered.length) return <>{props.empty ?? <div class="empty">Nothing here.</div>}</>;

  const choose = (next: Sort) => (props.onSort ? props.onSort(next) : setOwn(next));
  const select = (at: number, range: boolean) => {
    if (!selected) return;
    const next = new Set(selected.value);
    const [from, to] = range
      ? [Math.min(anchor.current, at), Math.max(anchor.current, at)]
      : [at, at];
    const on = range || !next.has(id(ordered[at] as Row));
    for (let i = from; i <= to; i++) {
      const key = id(ordered[i] as Row);
      if (on) next.add(key);
      else next.delete(key);
    }
    anchor.current = at;
    selected.value = next;
  };
  const move = (to: number) => {
    const at = Math.max(0, Math.min(ordered.length - 1, to));
    setActive(at);
    const element = scroller.current;
    if (!element) return;
    const head = phone ? 0 : rowHeight.value;
    const top = at * height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height + head > element.scrollTop + element.clientHeight)
      element.scrollTop = top + height + head - element.clientHeight;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(active + 1),
      j: () => move(active + 1),
      ArrowUp: () => move(active - 1),
      k: () => move(active - 1),
      Home: () => move(0),
      End: () => move(ordered.length - 1),
      PageDown: () => move(active + Math.floor(view.height / height)),
      PageUp: () => move(active - Math.floor(view.height / height)),
      Enter: () => open(active),
      x: () => active >= 0 && select(active, false),
      " ": () => active >= 0 && select(active, event.shiftKey),
    };
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    act();
    event.preventDefault();
  };
  const open = (at: number) => {
    const row = ordered[at];
    if (row !== undefined) props.onOpen?.(row);
  };
  const every = selected && ordered.every((row) => selected.value.has(id(row)));
  // Columns without a width share what is left: where nothing is, the table scrolls sideways.
  const least =
    (selected ? 36 : 0) +
    (actions ? 44 : 0) +
    shown.reduce((sum, c) => sum + (layout.value.widths[c.key] ?? c.width ?? FREE), 0);
  const columnsCount = shown.length + (selected ? 1 : 0) + (actions ? 1 : 0);

  return (
    <div
      ref={scroller}
      class={`table ${props.fill ? "fill" : ""} ${phone ? "cards" : ""}`}
      onScroll={(event) => {
        const { scrollTop, clientHeight } = event.currentTarget;
        if (Math.abs(scrollTop - view.top) > height * 3)
          setView({ top: scrollTop, height: clientHeight });
      }}
      onPointerEnter={() => {
        over.current = true;
      }}
      onPointerLeave={() => {
        over.current = false;
      }}
    >
      <table
        role="grid"
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={ordered.length + 1}
        aria-activedescendant={active >= 0 ? `${name}-${active}` : undefined}
        aria-multiselectable={selected ? true : undefined}
        style={phone ? undefined : { minWidth: `${least}px` }}
        onKeyDown={onKeyDown}
        onFocus={(event) =>
          event.target === event.currentTarget && active < 0 && setActive(part.first)
        }
      >
        {!phone && (
          <>
            <colgroup>
              {selected && <col style={{ width: "36px" }} />}
              {shown.map((c) => {
                const width = layout.value.widths[c.key] ?? c.width;
                return <col key={c.key} style={{ width: width ? `${width}px` : "auto" }} />;
              })}
              {actions && <col style={{ width: `${props.actionsWidth ?? 44}px` }} />}
            </colgroup>
            <thead>
              <tr role="row" aria-rowindex={1}>
                {selected && (
                  <th role="columnheader" class="check">
                    <input
                      type="checkbox"
                      aria-label="Select all"
                      checked={every}
                      onChange={() => {
                        selected.value = new Set(every ? [] : ordered.map(id));
                      }}
                    />
                  </th>
                )}
                {shown.map((column, at) => (
                  <Head
                    key={column.key}
                    column={column}
                    sort={sort}
                    sortable={!!column.sort && (!props.sorted || !!props.onSort)}
                    onSort={choose}
                    onWidth={(width) => {
                      const widths = { ...layout.value.widths, [column.key]: width };
                      layout.value = { ...layout.value, widths };
                    }}
                    onMove={(key, beside) => {
                      const keys = all.map((c) => c.key);
                      layout.value = { ...layout.value, order: movedTo(keys, key, beside) };
                    }}
                    neighbours={[shown[at - 1]?.key, shown[at + 1]?.key]}
                  />
                ))}
                {actions && <th role="columnheader" aria-label="Actions" />}
              </tr>
            </thead>
          </>
        )}
        <tbody>
          {part.above > 0 && <Spacer height={part.above} columns={columnsCount} />}
          {ordered.slice(part.first, part.end).map((row, i) => {
            const at = part.first + i;
            const key = id(row);
            return (
              <TableRow
                key={key}
                id={`${name}-${at}`}
                at={at}
                row={row}
                columns={shown}
                signature={shown.map((c) => c.key).join()}
                extra={props.rowClass?.(row) ?? ""}
                current={props.current === key}
                active={at === active}
                checked={selected ? selected.value.has(key) : null}
                actions={actions}
                onCheck={select}
                onOpen={props.onOpen}
                phone={phone}
                height={height}
              />
            );
          })}
          {part.below > 0 && <Spacer height={part.below} columns={columnsCount} />}
        </tbody>
      </table>
    </div>
  );
}

/** While the pointer is over a table nothing jumps under it: rows keep their places, new ones come
 * last, until it leaves. */
function order<Row>(
  rows: Row[],
  columns: Column<Row>[],
  sort: Sort | undefined,
  id: (row: Row) => string,
  frozen: string[] | null,
): Row[] {
  const by = columns.find((column) => column.key === sort?.key)?.sort;
  const sorted =
    by && sort ? [...rows].sort((a, b) => compareValues(by(a), by(b), sort.descending)) : rows;
  if (!frozen?.length || rows.length > frozen.length * 2) return sorted;
  const places = new Map(frozen.map((key, at) => [key, at]));
  const place = (row: Row) => places.get(id(row)) ?? frozen.length;
  return [...sorted].sort((a, b) => place(a) - place(b));
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );
}
