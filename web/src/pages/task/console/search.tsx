// Searching all of a console, on the server; the hits are walked one by one.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, words } from "../../../api/client";
import { count } from "../../../ui/format";
import { Icon } from "../../../ui/icons";
import { IconButton } from "../../../ui/parts";

const PAUSE = 200;
/** Hits that one answer brings; their number is that of all. */
const MOST = 10_000;

interface Hits {
  lines: number[];
  total: number;
  complete: boolean;
}

export interface LogSearch {
  text: string;
  setText: (text: string) => void;
  regex: boolean;
  setRegex: (regex: boolean) => void;
  hits: Hits | null;
  trouble: string;
  /** Which hit is shown, from 0; `step` changes whenever it is to be shown again. */
  at: number;
  step: number;
  line: number | null;
  next: () => void;
  previous: () => void;
  /** What is marked in the lines in sight. */
  pattern: RegExp | null;
}

export function useSearch(task: string): LogSearch {
  const [text, setText] = useState("");
  const [regex, setRegex] = useState(false);
  const [hits, setHits] = useState<Hits | null>(null);
  const [trouble, setTrouble] = useState("");
  const [{ at, step }, setAt] = useState({ at: 0, step: 0 });
  useEffect(() => {
    setTrouble("");
    if (!text) {
      setHits(null);
      return;
    }
    const stopping = new AbortController();
    const timer = setTimeout(() => {
      const ask = { task, pattern: text, regex, ignore_case: true, limit: MOST };
      call("events.search_log", ask, { signal: stopping.signal })
        .then((answer) => {
          const lines = (answer.hits as { line: number }[]).map(({ line }) => line);
          setHits({ lines, total: answer.total, complete: answer.complete });
          setAt((before) => ({ at: 0, step: before.step + 1 }));
        })
        .catch((error: unknown) => {
          if (stopping.signal.aborted) return;
          setHits(null);
          setTrouble(words(error).what);
        });
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      stopping.abort();
    };
  }, [task, text, regex]);
  const pattern = useMemo(() => (text ? expression(text, regex) : null), [text, regex]);
  const walk = (by: number) => {
    if (hits?.lines.length)
      setAt({ at: (at + by + hits.lines.length) % hits.lines.length, step: step + 1 });
  };
  return {
    ...{ text, setText, regex, setRegex, hits, trouble, at, step, pattern },
    line: hits?.lines[at] ?? null,
    next: () => walk(1),
    previous: () => walk(-1),
  };
}

/** What the browser marks; null where it does not know the expression as the server does. */
export function expression(text: string, regex: boolean): RegExp | null {
  try {
    return new RegExp(regex ? text : text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
  } catch {
    return null;
  }
}

/** The field, how many hits there are, and the way from one to the next. */
export function Found({ search }: { search: LogSearch }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const seek = (event: KeyboardEvent) => {
      const inside = document.activeElement?.closest(".console");
      if (!(event.ctrlKey || event.metaKey) || event.key !== "f" || !inside) return;
      event.preventDefault();
      field.current?.select();
    };
    document.addEventListener("keydown", seek);
    return () => document.removeEventListener("keydown", seek);
  }, []);
  const { hits, at, trouble } = search;
  return (
    <>
      <label class="search">
        <Icon name="search" size={14} />
        <input
          ref={field}
          type="search"
          data-search
          aria-label="Search the console"
          placeholder="Search all lines"
          aria-invalid={!!trouble}
          title={trouble}
          value={search.text}
          onInput={(event) => search.setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") (event.shiftKey ? search.previous : search.next)();
          }}
        />
      </label>
      <button
        type="button"
        class="btn soft toggle mono"
        aria-pressed={search.regex}
        aria-label="Regular expression"
        data-tip="Regular expression"
        onClick={() => search.setRegex(!search.regex)}
      >
        .*
      </button>
      {(hits || trouble) && (
        <span class="console-hits num" role="status">
          {trouble
            ? "not an expression"
            : hits?.total
              ? `${count(at + 1)} of ${count(hits.total)}${hits.complete ? "" : " or more"}`
              : "no line"}
        </span>
      )}
      {!!hits?.total && (
        <>
          <IconButton icon="up" label="Hit before" onClick={search.previous} />
          <IconButton icon="down" label="Next hit" onClick={search.next} />
        </>
      )}
    </>
  );
}
