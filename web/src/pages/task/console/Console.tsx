// What a task printed: followed, searched on the server, and linked to by line.
import { useEffect, useMemo, useState } from "preact/hooks";
import { call, words } from "../../../api/client";
import type { Task } from "../../../api/documents";
import { useKeys } from "../../../keys";
import { alsoFollow, onChange } from "../../../live/link";
import { touches } from "../../../live/store";
import { go, hash, path, query } from "../../../router";
import { count, plural } from "../../../ui/format";
import { Icon } from "../../../ui/icons";
import { Menu } from "../../../ui/Menu";
import { Card, EmptyState, IconButton, Notice, Skeleton } from "../../../ui/parts";
import { toast } from "../../../ui/Toast";
import { plain } from "./ansi";
import { type Line, Lines } from "./lines";
import { LogView } from "./LogView";
import { parseSpan, type Span, spanText } from "./places";
import { Found, useSearch } from "./search";
import "./console.css";

/** More lines than these are not put into one file in the browser's memory. */
const MOST_SAVED = 200_000;

export function Console({ task }: { task: Task }) {
  const id = task.id;
  const lines = useLines(id);
  const search = useSearch(id);
  const linked = useMemo(() => parseSpan(hash.value), []);
  const [mark, setMark] = useState<{ span: Span | null; jump: number }>({ span: linked, jump: 1 });
  const [following, setFollowing] = useState(!linked && !query.value.get("attempt"));
  const [wrap, setWrap] = useKept("console.wrap");
  const [times, setTimes] = useKept("console.times");
  const [full, setFull] = useState(false);

  const show = (span: Span) => {
    setFollowing(false);
    setMark({ span, jump: mark.jump + 1 });
  };
  const point = (line: number, extend: boolean) => {
    const from = extend && mark.span ? mark.span.first : line;
    const span = { first: Math.min(from, line), last: Math.max(from, line) };
    setMark({ ...mark, span });
    go(`${path.value}#${spanText(span)}`, { replace: true });
  };
  useEffect(() => {
    const wanted = Number(query.value.get("attempt"));
    const run = lines.runs.value.find(({ attempt }) => attempt === wanted);
    if (run) show({ first: run.first, last: run.first });
  }, [lines.known.value]);
  useEffect(() => {
    if (search.line !== null) show({ first: search.line, last: search.line });
  }, [search.line, search.step]);
  useKeys(
    [
      { keys: "f", word: "Console: full screen", act: () => setFull(!full) },
      { keys: "w", word: "Console: wrap long lines", act: () => setWrap(!wrap) },
      { keys: "End", word: "Console: follow", act: () => setFollowing(true) },
      { keys: "n", word: "Console: next hit", act: search.next },
      { keys: "N", word: "Console: hit before", act: search.previous },
    ],
    [full, wrap, search],
  );
  const runs = lines.runs.value;
  const total = lines.total.value;
  return (
    <Card
      title="Console"
      note={plural(total, "line")}
      class={`console ${full ? "full" : ""}`}
      actions={
        <>
          <Found search={search} />
          {runs.length > 1 && (
            <Menu
              label="Go to an attempt"
              word={
                <>
                  Attempts <Icon name="down" size={12} />
                </>
              }
              items={runs.map(({ attempt, first }) => ({
                word: `Attempt ${attempt}, from line ${count(first + 1)}`,
                onChoose: () => show({ first, last: first }),
              }))}
            />
          )}
          <Toggle word="Wrap" on={wrap} onChange={setWrap} />
          <Toggle word="Times" on={times} onChange={setTimes} />
          <Toggle word="Follow" on={following} onChange={setFollowing} />
          <IconButton
            icon="download"
            label="Download"
            disabled={!total}
            onClick={() => void save(task, total)}
          />
          <IconButton
            icon={full ? "cross" : "external"}
            label={full ? "Leave full screen" : "Full screen"}
            onClick={() => setFull(!full)}
          />
        </>
      }
    >
      {lines.error.value !== undefined && !total && (
        <Notice tone="bad">{words(lines.error.value).what}</Notice>
      )}
      {!lines.known.value ? (
        <Skeleton rows={12} />
      ) : total ? (
        <LogView
          lines={lines}
          marked={mark.span}
          jump={mark.jump}
          following={following}
          onFollow={setFollowing}
          pattern={search.pattern}
          wrap={wrap}
          times={times}
          onMark={point}
        />
      ) : (
        <NothingYet status={task.status} />
      )}
    </Card>
  );
}

function NothingYet({ status }: { status: Task["status"] }) {
  const why: Partial<Record<Task["status"], string>> = {
    created: "This task has not run.",
    queued: "It starts when the task runs.",
    in_progress: "Nothing was printed yet.",
  };
  return <EmptyState title="No output">{why[status] ?? "It printed nothing."}</EmptyState>;
}

function useLines(id: string): Lines {
  const lines = useMemo(() => new Lines(id), [id]);
  useEffect(() => {
    const topic = `log:${id}`;
    const unhear = onChange((changed) => {
      if (!changed || touches([topic], changed)) void lines.refresh();
    });
    const unfollow = alsoFollow(topic);
    void lines.refresh();
    return () => {
      unhear();
      unfollow();
      lines.stop();
    };
  }, [lines]);
  return lines;
}

/** A switch whose position the browser keeps. */
function useKept(name: string): [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(localStorage.getItem(name) === "on");
  return [
    on,
    (next) => {
      localStorage.setItem(name, next ? "on" : "off");
      setOn(next);
    },
  ];
}

function Toggle(props: { word: string; on: boolean; onChange: (on: boolean) => void }) {
  const { word, on, onChange } = props;
  return (
    <button type="button" class="btn soft toggle" aria-pressed={on} onClick={() => onChange(!on)}>
      {word}
    </button>
  );
}

async function save(task: Task, total: number): Promise<void> {
  if (total > MOST_SAVED) {
    toast(`${count(total)} lines are too many for the browser`, {
      hint: `taskyard logs ${task.id} > console.log`,
    });
    return;
  }
  const parts: string[] = [];
  for (let first = 0; first < total;) {
    const answer = await call("events.read_log", { task: task.id, first, limit: 5_000 });
    const found = answer.lines as Line[];
    if (!found.length) break;
    parts.push(...found.map((line) => `${plain(line.text)}\n`));
    first = (found.at(-1)?.line ?? first) + 1;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
  link.download = `${task.name}.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
