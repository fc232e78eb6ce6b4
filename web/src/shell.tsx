// What is around every page: navigation, the lamp, and the bar that says that news stopped.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, roundTrip } from "./api/client";
import { href } from "./base";
import { useKeys } from "./keys";
import { again, link } from "./live/link";
import { useFresh } from "./live/store";
import { openPalette } from "./palette-state";
import { go } from "./router";
import { user } from "./session";
import { isDark, setTheme } from "./ui/display";
import { clock, count, now } from "./ui/format";
import { Icon, type IconName } from "./ui/icons";
import { A, Button, IconButton } from "./ui/parts";

interface Entry {
  section: string;
  word: string;
  to: string;
  icon: IconName;
  key: string;
}

export const ENTRIES: Entry[] = [
  { section: "overview", word: "Overview", to: "/", icon: "overview", key: "o" },
  { section: "tasks", word: "Tasks", to: "/tasks", icon: "tasks", key: "t" },
  { section: "queues", word: "Queues", to: "/queues", icon: "queues", key: "q" },
  { section: "workers", word: "Workers", to: "/workers", icon: "workers", key: "w" },
];

const SETTINGS: Entry = {
  section: "settings",
  word: "Settings",
  to: "/settings",
  icon: "settings",
  key: ",",
};

export function Shell({ section, children }: { section: string; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [section]);
  useKeys(
    [...ENTRIES, SETTINGS].map(({ key, word, to }) => ({
      keys: `g ${key}`,
      word: `Go to ${word.toLowerCase()}`,
      act: () => go(to),
    })),
  );
  return (
    <div class="app">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <div class="phone-bar">
        <IconButton
          icon="menu"
          label="Navigation"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        />
        <b>Taskyard</b>
        <span class="spring" />
        <Lamp />
      </div>
      <nav class={`side ${open ? "open" : ""}`} aria-label="Pages">
        <A to="/" class="logo" aria-label="Taskyard">
          <i />
          <span>Taskyard</span>
        </A>
        <Entries section={section} />
        <span class="spring" />
        <Item entry={SETTINGS} section={section} />
        <a class="item" href={href("/reference")} data-tip-narrow="API reference">
          <Icon name="book" />
          <span>API reference</span>
        </a>
        <div class="foot">
          <Lamp />
          <IconButton
            icon={isDark.value ? "sun" : "moon"}
            label={isDark.value ? "Light colours" : "Dark colours"}
            onClick={() => setTheme(isDark.value ? "light" : "dark")}
          />
        </div>
      </nav>
      <main id="main" tabIndex={-1}>
        <StaleBar />
        {children}
      </main>
    </div>
  );
}

interface Totals {
  waiting: number;
  running: number;
  workers: number;
}

/** Numbers beside the entries, read at most every two seconds. */
function Entries({ section }: { section: string }) {
  const totals = useFresh<Totals>(["totals"], readTotals, ["tasks", "queues", "workers"], {
    every: 2_000,
  }).data.value;
  const notes: Record<string, string> = totals
    ? {
        tasks: totals.running ? `${count(totals.running)} running` : "",
        queues: totals.waiting ? `${count(totals.waiting)} waiting` : "",
        workers: count(totals.workers),
      }
    : {};
  return (
    <>
      {ENTRIES.map((entry) => (
        <Item key={entry.section} entry={entry} section={section} note={notes[entry.section]} />
      ))}
    </>
  );
}

async function readTotals(abort: AbortSignal): Promise<Totals> {
  const options = { signal: abort };
  const [tasks, workers] = await Promise.all([
    call("tasks.get_count", { status: ["queued", "in_progress"] }, options),
    call("workers.get_count", { last_seen: 600 }, options),
  ]);
  const { queued = 0, in_progress: running = 0 } = tasks.counts;
  return { waiting: queued, running, workers: workers.count };
}

function Item(props: { entry: Entry; section: string; note?: string | undefined }) {
  const { entry, section, note } = props;
  return (
    <A
      to={entry.to}
      class="item"
      aria-current={entry.section === section ? "page" : undefined}
      title={entry.word}
    >
      <Icon name={entry.icon} />
      <span>{entry.word}</span>
      {note && <small class="num">{note}</small>}
    </A>
  );
}

/** After how many milliseconds without the server the page says so. */
const QUIET = 3_000;
const STALE = 15_000;

function Lamp() {
  const { link: state, since } = link.value;
  const broken = now.value - since;
  let [look, word] = ["live", "Live"];
  if (state === "polling") [look, word] = ["live", "Every 5 s"];
  else if (state === "connecting") [look, word] = ["waiting", "Connecting"];
  else if (state !== "live" && broken > STALE) [look, word] = ["off", "Not live"];
  else if (state !== "live" && broken > QUIET)
    [look, word] = ["waiting", `Reconnecting (${Math.floor(broken / 1000)} s)`];
  const trip = `Last answer took ${Math.round(roundTrip.value)} ms`;
  return (
    <span class={`lamp ${look}`} role="status" data-tip={state === "live" ? trip : undefined}>
      {word}
    </span>
  );
}

function StaleBar() {
  const { link: state, since } = link.value;
  if (state !== "broken" || now.value - since < STALE) return null;
  return (
    <div class="stale" role="alert">
      <span>
        Not live since {clock(new Date(since))}: no answer from {location.host}. Showing the last
        state.
      </span>
      <Button onClick={again}>Retry</Button>
    </div>
  );
}

interface PageProps {
  title: ComponentChildren;
  /** The name of the browser's tab, where the title is more than text. */
  name?: string;
  /** Beside the title: a pill, a link back. */
  beside?: ComponentChildren;
  actions?: ComponentChildren;
  /** Between title and content: tabs. */
  under?: ComponentChildren;
  /** The content fills the height and scrolls inside. */
  fill?: boolean;
  children: ComponentChildren;
}

/** A page: its head with the search, and its content. */
export function Page({ title, name, beside, actions, under, fill, children }: PageProps) {
  const text = name ?? (typeof title === "string" ? title : "Taskyard");
  useEffect(() => {
    document.title = `${text} · Taskyard`;
  }, [text]);
  return (
    <>
      <header class="top">
        <h1>{title}</h1>
        {beside}
        <span class="spring" />
        <button type="button" class="jump" onClick={() => openPalette()}>
          <Icon name="search" size={14} />
          <span>Search or jump to…</span>
          <kbd>{/Mac/.test(navigator.platform) ? "⌘K" : "Ctrl K"}</kbd>
        </button>
        {actions}
      </header>
      {under}
      <div class={`content ${fill ? "fill" : ""}`}>{children}</div>
    </>
  );
}

export const userName = (): string => user.value?.name ?? "";
