// What the page shows of the server, read again when the stream says that it changed.
import { batch, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type Answer, type Ask, call, type Name, Refused, signedIn } from "../api/client";
import { alsoFollow, onChange } from "./link";

/** Something read from the server and kept fresh. The last that was read stays while it is not. */
export interface Live<T> {
  data: Signal<T | undefined>;
  /** Why the last reading failed; undefined when it did not. */
  error: Signal<unknown>;
  /** Read it again now. */
  refresh: () => Promise<void>;
}

/** At the most so often is something read again, however fast it changes: milliseconds. */
const EVERY = 250;
const AFTER_FAILURE = 3_000;
/** The longest that a timer waits. */
const NEVER = 2 ** 31 - 1;

export interface Freshness {
  /** Milliseconds between two readings, at least. */
  every?: number;
  /** Milliseconds after which it is read again though nothing was said to have changed: for signs
   * of life and loads, which are too many to be told. */
  pulse?: number;
}

/** Keeps `read` fresh while changes touch `topics`: a group (`tasks`) or one thing (`task:<id>`). */
export function keepFresh<T>(
  topics: string[],
  read: (abort: AbortSignal) => Promise<T>,
  options: Freshness & { known?: T | undefined } = {},
): Live<T> & { stop: () => void } {
  const data = signal<T | undefined>(options.known);
  const error = signal<unknown>(undefined);
  const stopping = new AbortController();
  let reading: Promise<void> | null = null;
  let again = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function once(): Promise<void> {
    const began = performance.now();
    let pause = options.every ?? EVERY;
    try {
      const found = await read(stopping.signal);
      batch(() => {
        data.value = keepSame(data.peek(), found);
        error.value = undefined;
      });
    } catch (caught) {
      if (stopping.signal.aborted) return;
      error.value = caught;
      // A refusal will be the same again; silence may end.
      if (!(caught instanceof Refused)) {
        again = true;
        pause = AFTER_FAILURE;
      }
    }
    // A reading that is dear is not done all the time.
    pause = Math.max(pause, 2 * (performance.now() - began));
    timer = setTimeout(() => {
      reading = null;
      if (again) void refresh();
    }, pause);
  }

  function refresh(): Promise<void> {
    again = false;
    clearTimeout(timer);
    reading = once();
    return reading;
  }

  const unhear = onChange((changed) => {
    if (changed && !touches(topics, changed)) return;
    if (reading) again = true;
    else void refresh();
  });
  const pulse = setInterval(() => {
    if (!reading && !document.hidden) void refresh();
  }, options.pulse ?? NEVER);
  void refresh();
  return {
    data,
    error,
    refresh,
    stop: () => {
      unhear();
      stopping.abort();
      clearTimeout(timer);
      clearInterval(pulse);
    },
  };
}

const GROUP_OF: Record<string, string> = { task: "tasks", queue: "queues", worker: "workers" };

/** Whether a change is about one of the topics. */
export function touches(topics: string[], changed: string[]): boolean {
  return changed.some(
    (one) => topics.includes(one) || topics.includes(GROUP_OF[one.split(":")[0] ?? ""] ?? ""),
  );
}

/** The last answers of what is no longer shown, by question: who comes back sees them at once. */
const known = new Map<string, unknown>();
const KNOWN = 30;
// What somebody saw is not for who signs in next.
signedIn.subscribe((is) => is === false && known.clear());

function remember(question: string, answer: unknown): void {
  if (answer === undefined || signedIn.peek() === false) return;
  known.delete(question);
  known.set(question, answer);
  for (const oldest of known.keys()) {
    if (known.size <= KNOWN) break;
    known.delete(oldest);
  }
}

/** An action's answer, kept fresh while the component is there. Read anew when `ask` changes. */
export function useLive<N extends Name>(
  name: N,
  ask: Ask<N>,
  topics: string[],
  options: Freshness = {},
): Live<Answer<N>> {
  return useFresh(
    [name, JSON.stringify(ask)],
    (abort) => call(name, ask, { signal: abort }),
    topics,
    options,
  );
}

/** Anything read from the server, kept fresh while the component is there. `identity` tells it from
 * all else that is read: a name first, then what it is asked with. */
export function useFresh<T>(
  identity: unknown[],
  read: (abort: AbortSignal) => Promise<T>,
  topics: string[],
  options: Freshness = {},
): Live<T> {
  const question = JSON.stringify(identity);
  const live = useMemo(
    () => keepFresh(topics, read, { ...options, known: known.get(question) as T | undefined }),
    [question, topics.join()],
  );
  useEffect(() => {
    const unfollow = topics.filter((topic) => topic.startsWith("log:")).map(alsoFollow);
    return () => {
      live.stop();
      remember(question, live.data.peek());
      for (const end of unfollow) end();
    };
  }, [live]);
  return live;
}

/** `next`, with every part that equals the one of before being that very one: what is drawn from
 * an object that stayed need not be drawn again. */
export function keepSame<T>(before: unknown, next: T): T {
  if (Object.is(before, next)) return next;
  if (typeof before !== "object" || typeof next !== "object" || !before || !next) return next;
  if (Array.isArray(before) !== Array.isArray(next)) return next;
  if (Array.isArray(next)) return keepSameList(before as unknown[], next) as T;
  const old = before as Record<string, unknown>;
  const keys = Object.keys(next);
  let same = keys.length === Object.keys(old).length;
  const merged: Record<string, unknown> = {};
  for (const key of keys) {
    const value = (next as Record<string, unknown>)[key];
    merged[key] = keepSame(old[key], value);
    same &&= Object.is(merged[key], old[key]) && key in old;
  }
  return (same ? before : merged) as T;
}

function keepSameList(before: unknown[], next: unknown[]): unknown[] {
  const byId = new Map<unknown, unknown>();
  for (const item of before) if (idOf(item)) byId.set(idOf(item), item);
  const merged = next.map((item, at) => keepSame(byId.get(idOf(item)) ?? before[at], item));
  const same = merged.length === before.length && merged.every((item, at) => item === before[at]);
  return same ? before : merged;
}

function idOf(item: unknown): unknown {
  return typeof item === "object" && item ? (item as { id?: unknown }).id : undefined;
}
