// One connection to the server's stream of changes, kept alive. Runs in a shared worker, or in a
// page where there is none.

/** How fresh what is shown can be. */
export type Link = "connecting" | "live" | "polling" | "broken" | "closed";

export type News =
  | { kind: "link"; link: Link; since: number }
  | { kind: "change"; changed: string[] }
  /** All of it may have changed. */
  | { kind: "reset" };

/** What a page tells the worker. */
export type Wish = { kind: "follow"; topics: string[] } | { kind: "again" } | { kind: "bye" };

export const GROUPS = ["tasks", "queues", "workers"];

const FAILURES_BEFORE_POLLING = 3;
const POLL_EVERY = 5_000;
const WAITS = [500, 1_000, 2_000, 4_000, 8_000];
const STREAM_AGAIN_WHILE_POLLING = 30_000;

export interface Stream {
  follow(topics: Iterable<string>): void;
  again(): void;
  close(): void;
}

export function startStream(base: string, tell: (news: News) => void): Stream {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let topics = GROUPS.join(",");
  /** Followed, but by no stream that stands: what happened to them meanwhile nobody told. */
  let unheard: string[] = [];
  let revision = "";
  let failures = 0;
  let link: Link = "closed";

  function become(next: Link): void {
    if (link === next) return;
    link = next;
    tell({ kind: "link", link, since: Date.now() });
  }

  function open(): void {
    clearTimeout(timer);
    source?.close();
    if (link === "closed") become("connecting");
    const since = revision ? `&since=${encodeURIComponent(revision)}` : "";
    source = new EventSource(`${base}events/stream?topics=${encodeURIComponent(topics)}${since}`);
    source.addEventListener("ready", (event) => {
      const first = !revision;
      revision = (event as MessageEvent).lastEventId;
      stands();
      // What was read before the stream stood may be old.
      if (first) tell({ kind: "reset" });
      else if (unheard.length) tell({ kind: "change", changed: unheard });
      unheard = [];
    });
    source.addEventListener("change", (event) => {
      const { lastEventId, data } = event as MessageEvent<string>;
      revision = lastEventId;
      stands();
      tell({ kind: "change", changed: (JSON.parse(data) as { changed: string[] }).changed });
    });
    source.addEventListener("reset", (event) => {
      revision = (event as MessageEvent).lastEventId;
      stands();
      tell({ kind: "reset" });
    });
    source.onerror = () => void failed();
  }

  function stands(): void {
    failures = 0;
    become("live");
  }

  async function failed(): Promise<void> {
    source?.close();
    source = null;
    failures += 1;
    clearTimeout(timer);
    const there = await serverAnswers();
    if (link === "closed" || source) return;
    if (there && failures > FAILURES_BEFORE_POLLING) {
      // Something between here and the server does not let streams through.
      become("polling");
      poll(Date.now() + STREAM_AGAIN_WHILE_POLLING);
      return;
    }
    become("broken");
    timer = setTimeout(open, WAITS[Math.min(failures, WAITS.length) - 1]);
  }

  function poll(until: number): void {
    tell({ kind: "reset" });
    timer = setTimeout(() => (Date.now() < until ? poll(until) : open()), POLL_EVERY);
  }

  async function serverAnswers(): Promise<boolean> {
    try {
      return (await fetch(`${base}healthz`, { signal: AbortSignal.timeout(5_000) })).ok;
    } catch {
      return false;
    }
  }

  return {
    follow(wanted) {
      const next = [...GROUPS, ...[...wanted].sort()];
      if (next.join(",") === topics && link !== "closed") return;
      const before = new Set(topics.split(","));
      unheard.push(...next.filter((topic) => !before.has(topic)));
      topics = next.join(",");
      if (link !== "polling") open();
    },
    again() {
      failures = 0;
      open();
    },
    close() {
      clearTimeout(timer);
      source?.close();
      source = null;
      link = "closed";
    },
  };
}
