// The lines of a console in sight: rows of one height, however many there are.
import type { ReadonlySignal } from "@preact/signals";
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { clock } from "../../../ui/format";
import { windowOf } from "../../../ui/window";
import { type Piece, pieces } from "./ansi";
import type { Line, Lines } from "./lines";
import { heightOf, type Span, toLine, toTop } from "./places";

export const ROW = 18;

interface LogViewProps {
  lines: Lines;
  /** Lines that are pointed at, by a link or as the hit of a search. */
  marked: Span | null;
  /** Changes whenever `marked` is to be brought into sight. */
  jump: number;
  following: boolean;
  onFollow: (following: boolean) => void;
  pattern: RegExp | null;
  wrap: boolean;
  times: boolean;
  onMark: (line: number, extend: boolean) => void;
}

export function LogView(props: LogViewProps) {
  const { lines, following, onFollow, marked } = props;
  const element = useRef<HTMLDivElement>(null);
  const view = useSignal({ top: 0, height: 600 });
  const total = lines.total.value;
  const part = useComputed(() => visible(lines.total, view));
  const { first, end } = part.value;
  void lines.version.value;
  useEffect(() => lines.want(first, end), [first, end, total]);

  useLayoutEffect(() => {
    const box = element.current;
    if (!box) return;
    const look = () => {
      view.value = { top: box.scrollTop, height: box.clientHeight };
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (following && element.current) element.current.scrollTop = element.current.scrollHeight;
  }, [total, following, lines.version.value, props.wrap]);
  useLayoutEffect(() => {
    const box = element.current;
    if (!box || !marked || marked.first >= total) return;
    box.scrollTop = toTop(marked.first, total, ROW, box.clientHeight) - box.clientHeight / 3;
  }, [props.jump, lines.known.value]);

  const rows = [];
  for (let at = first; at < end; at++) {
    const on = !!marked && at >= marked.first && at <= marked.last;
    rows.push(<Row key={at} at={at} line={lines.at(at)} on={on} {...props} />);
  }
  return (
    <div
      ref={element}
      class={`console-lines ${props.wrap ? "wrap" : ""}`}
      tabIndex={0}
      role="region"
      aria-label="Console"
      aria-live="off"
      onScroll={(event) => {
        const box = event.currentTarget;
        view.value = { top: box.scrollTop, height: box.clientHeight };
        const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - ROW;
        if (atEnd !== following) onFollow(atEnd);
      }}
    >
      <div class="console-space" style={{ height: `${heightOf(total, ROW)}px` }}>
        <div class="console-part" style={{ top: `${part.value.above}px` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}

function visible(
  total: ReadonlySignal<number>,
  view: ReadonlySignal<{ top: number; height: number }>,
) {
  const { top, height } = view.value;
  const line = toLine(top, total.value, ROW, height);
  const part = windowOf(total.value, ROW, line * ROW, height);
  // Where lines are more than pixels, the part stands where it is looked at.
  const above = top - (line - part.first) * ROW;
  return { first: part.first, end: part.end, above: Math.round(above) };
}

interface RowProps extends LogViewProps {
  at: number;
  line: Line | undefined;
  on: boolean;
}

function Row({ at, line, on, pattern, times, onMark }: RowProps) {
  return (
    <div class={`console-row ${on ? "on" : ""}`} data-line={at + 1}>
      <a
        href={`#L${at + 1}`}
        aria-label={`Line ${at + 1}`}
        onClick={(event) => {
          event.preventDefault();
          onMark(at, event.shiftKey);
        }}
      >
        {at + 1}
      </a>
      {times && <time>{line ? clock(new Date(line.timestamp), true) : ""}</time>}
      <span>
        {line ? pieces(line.text).map((piece) => <Text key="" piece={piece} hit={pattern} />) : "…"}
      </span>
    </div>
  );
}

function Text({ piece, hit }: { piece: Piece; hit: RegExp | null }) {
  const inside = hit ? withHits(piece.text, hit) : piece.text;
  return piece.look ? <span class={piece.look}>{inside}</span> : <>{inside}</>;
}

function withHits(text: string, hit: RegExp) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(hit)) {
    if (!match[0]) continue;
    found.push(text.slice(from, match.index), <mark>{match[0]}</mark>);
    from = match.index + match[0].length;
  }
  found.push(text.slice(from));
  return found;
}
