// The palette (Ctrl K): go to anything by its name, or do something.
import "./palette.css";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call } from "./api/client";
import type { Queue, Task, Worker } from "./api/documents";
import { searchTasks } from "./api/search";
import { active } from "./keys";
import { matchScore } from "./palette-match";
import { overlay } from "./palette-state";
import { go } from "./router";
import { ENTRIES } from "./shell";
import { Dialog } from "./ui/Dialog";
import { setDensity, setTheme } from "./ui/display";
import { Icon, type IconName } from "./ui/icons";
import { StatusPill } from "./ui/Pill";

interface Choice {
  key: string;
  word: string;
  kind: string;
  icon: IconName;
  task?: Task;
  act: () => void;
}

const close = () => {
  overlay.value = null;
};

export default function Overlay({ kind }: { kind: "palette" | "keys" }) {
  return kind === "palette" ? <Palette /> : <CheatSheet />;
}

const FIXED: Choice[] = [
  ...ENTRIES.map(({ word, to, icon }) => page(word, to, icon)),
  page("Compare tasks", "/compare", "compare"),
  page("Settings", "/settings", "settings"),
  page("Keys for agents and commands", "/settings/keys", "key"),
  page("Users", "/settings/users", "user"),
  act("Light colours", "sun", () => setTheme("light")),
  act("Dark colours", "moon", () => setTheme("dark")),
  act("Colours of the system", "settings", () => setTheme("system")),
  act("Compact rows", "queues", () => setDensity("compact")),
  act("Normal rows", "queues", () => setDensity("normal")),
];

function page(word: string, to: string, icon: IconName): Choice {
  return { key: to, word, kind: "Page", icon, act: () => go(to) };
}

function act(word: string, icon: IconName, does: () => void): Choice {
  return { key: word, word, kind: "Action", icon, act: does };
}

const PAUSE = 120;

function Palette() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<{ of: string; choices: Choice[] }>({ of: "", choices: [] });
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      search(text.trim(), stop.signal).then(
        (choices) => setFound({ of: text, choices }),
        () => {},
      );
    }, PAUSE);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [text]);

  const choices = useMemo(() => {
    const keyed: Choice[] = active.value.map(({ keys, word, act: does }) => ({
      ...act(word, "right", does),
      kind: keys,
    }));
    const doing = keyed.filter(({ kind }) => !kind.startsWith("g "));
    const fixed = rank(text, [...FIXED, ...doing]);
    // Until the answer is there, what was found before is narrowed down.
    const named = found.of === text ? found.choices : rank(text, found.choices);
    return [...fixed.slice(0, text ? 6 : 12), ...named];
  }, [text, found]);
  useEffect(() => setAt(0), [text]);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    close();
    choice.act();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, choices.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter") choose(choices[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Search or jump to" onClose={close} class="palette">
      <input
        type="text"
        role="combobox"
        aria-label="Search or jump to"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={choices[at] ? `palette-${at}` : undefined}
        placeholder="A task, a queue, a worker, or what to do"
        value={text}
        autofocus
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <ul ref={list} id="palette-list" role="listbox" aria-label="Found">
        {choices.map((choice, i) => (
          <li
            key={`${choice.kind} ${choice.key}`}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === at}
            onPointerMove={() => setAt(i)}
            onClick={() => choose(choice)}
          >
            <Icon name={choice.icon} />
            <span>{choice.word}</span>
            {choice.task ? (
              <StatusPill status={choice.task.status} />
            ) : (
              <small>{choice.kind}</small>
            )}
          </li>
        ))}
        {!choices.length && <li class="muted">Nothing found for “{text}”</li>}
      </ul>
    </Dialog>
  );
}

function rank(text: string, choices: Choice[]): Choice[] {
  if (!text.trim()) return choices;
  return choices
    .map((choice) => ({ choice, score: matchScore(text, choice.word) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ choice }) => choice);
}

async function search(text: string, signal: AbortSignal): Promise<Choice[]> {
  const options = { signal };
  const [tasks, queues, workers] = await Promise.all([
    searchTasks(text, text ? 10 : 5, signal),
    text ? call("queues.get_all", { only_fields: ["id", "name"] }, options) : { queues: [] },
    text ? call("workers.get_all", { last_seen: 0 }, options) : { workers: [] },
  ]);
  const named: Choice[] = [
    ...(queues.queues as Queue[]).map((queue) => ({
      key: queue.id,
      word: queue.name,
      kind: "Queue",
      icon: "queues" as const,
      act: () => go(`/queues/${encodeURIComponent(queue.name)}`),
    })),
    ...(workers.workers as Worker[]).map((worker) => ({
      key: worker.key,
      word: worker.id,
      kind: "Worker",
      icon: "workers" as const,
      act: () => go(`/workers/${encodeURIComponent(worker.id)}`),
    })),
  ];
  const sorted = tasks
    .map((task) => ({ task, score: matchScore(text, task.name) }))
    .sort((a, b) => (text ? b.score - a.score : 0));
  return [
    ...rank(text, named).slice(0, 6),
    ...sorted.map(({ task }) => ({
      key: task.id,
      word: task.name || task.id,
      kind: "Task",
      icon: "tasks" as const,
      task,
      act: () => go(`/tasks/${task.id}`),
    })),
  ];
}

const TABLE_KEYS = [
  ["j k", "Next and previous row"],
  ["Enter", "Open the row"],
  ["x", "Select the row"],
  ["Esc", "Close"],
  ["Ctrl K", "Search or jump to anything"],
];

function CheatSheet() {
  const shown = active.value.filter(
    (one, i, all) => all.findIndex((other) => other.keys === one.keys) === i,
  );
  const rows = [...TABLE_KEYS, ...shown.map(({ keys, word }) => [keys, word])];
  return (
    <Dialog title="Keys" onClose={close}>
      <dl class="keys">
        {rows.map(([keys, word]) => (
          <div key={keys}>
            <dt>
              {keys?.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{word}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">Keys rest while you type. They can be switched off in the settings.</p>
    </Dialog>
  );
}
