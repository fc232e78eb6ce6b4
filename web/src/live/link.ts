// This tab's end of the live connection.
import { signal } from "@preact/signals";
import { base } from "../base";
import { type Link, type News, type Stream, startStream, type Wish } from "./stream";

/** How fresh the page is, and since when (milliseconds since the epoch). */
export const link = signal<{ link: Link; since: number }>({
  link: "connecting",
  since: Date.now(),
});

type Listener = (changed: string[] | null) => void;
const listeners = new Set<Listener>();
const wanted = new Map<string, number>();

const HEARTBEAT = 50_000;
const HIDDEN_FOR = 30_000;

let send: (wish: Wish) => void = () => {};

/** Hear what changed: a list of topics, or null when all may have. Ends with the function given. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Have the server also tell of single things that are in no group, such as `log:<id>`. */
export function alsoFollow(topic: string): () => void {
  wanted.set(topic, (wanted.get(topic) ?? 0) + 1);
  follow();
  return () => {
    const left = (wanted.get(topic) ?? 1) - 1;
    if (left) wanted.set(topic, left);
    else wanted.delete(topic);
    follow();
  };
}

const follow = () => send({ kind: "follow", topics: [...wanted.keys()] });

/** Try the connection at once: after signing in, or when somebody presses Retry. */
export const again = (): void => send({ kind: "again" });

function hear(news: News): void {
  if (news.kind === "link") link.value = { link: news.link, since: news.since };
  else for (const listener of listeners) listener(news.kind === "change" ? news.changed : null);
}

/** Begin: once, when somebody is signed in. */
export function connect(): void {
  send = "SharedWorker" in globalThis ? shared() : own();
  follow();
}

function shared(): (wish: Wish) => void {
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: `taskyard ${base}`,
  });
  worker.port.onmessage = ({ data }: MessageEvent<News>) => hear(data);
  setInterval(follow, HEARTBEAT);
  addEventListener("pagehide", () => worker.port.postMessage({ kind: "bye" } satisfies Wish));
  addEventListener("pageshow", (event) => event.persisted && follow());
  return (wish) => worker.port.postMessage(wish);
}

/** Without shared workers: a connection of this tab, closed while nobody looks at it. */
function own(): (wish: Wish) => void {
  let stream: Stream = startStream(base, hear);
  let closing: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(closing);
    if (document.hidden) closing = setTimeout(() => stream.close(), HIDDEN_FOR);
    else {
      stream = startStream(base, hear);
      follow();
    }
  });
  return (wish) => {
    if (wish.kind === "follow") stream.follow(wish.topics);
    else if (wish.kind === "again") stream.again();
  };
}
