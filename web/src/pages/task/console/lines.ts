// The lines of a console that were read so far, in chunks, read as they come into sight.
import { batch, signal } from "@preact/signals";
import { call } from "../../../api/client";

export interface Line {
  /** Counted from 0. */
  line: number;
  /** Milliseconds since the epoch. */
  timestamp: number;
  worker: string;
  text: string;
}

export interface Run {
  attempt: number;
  /** Its first line. */
  first: number;
}

export const CHUNK = 1_000;
/** The most lines that one look for news brings. */
const NEWS = 5_000;
/** Chunks that are kept; those read longest ago go first. */
const KEPT = 200;

/** The numbers of the chunks that hold the lines from `first` to before `end`. No I/O. */
export function chunksOf(first: number, end: number): number[] {
  const found = [];
  for (let chunk = Math.floor(first / CHUNK); chunk * CHUNK < end; chunk++) found.push(chunk);
  return found;
}

/** Reads a task's console. `version` changes with everything that is read. */
export class Lines {
  readonly total = signal(0);
  readonly runs = signal<Run[]>([]);
  readonly version = signal(0);
  readonly error = signal<unknown>(undefined);
  /** False until the first answer. */
  readonly known = signal(false);
  private chunks = new Map<number, Line[]>();
  private reading = new Set<number>();
  private stopping = new AbortController();
  private refreshing = false;
  private again = false;
  /** Readings that were begun, and the latest of those that were answered. */
  private begun = 0;
  private answered = 0;

  constructor(private readonly task: string) {}

  at(line: number): Line | undefined {
    return this.chunks.get(Math.floor(line / CHUNK))?.[line % CHUNK];
  }

  /** Have these lines read, if they are not yet. */
  want(first: number, end: number): void {
    for (const chunk of chunksOf(Math.max(0, first), Math.min(end, this.total.peek()))) {
      const whole = Math.min(CHUNK, this.total.peek() - chunk * CHUNK);
      if ((this.chunks.get(chunk)?.length ?? 0) >= whole || this.reading.has(chunk)) continue;
      this.reading.add(chunk);
      void this.read(chunk * CHUNK, CHUNK).finally(() => this.reading.delete(chunk));
    }
  }

  /** Read what came since: the end of the console. */
  async refresh(): Promise<void> {
    if (this.refreshing) {
      this.again = true;
      return;
    }
    this.refreshing = true;
    do {
      this.again = false;
      // The last line may not have been at its end when it was read.
      const first = Math.max(0, this.total.peek() - 1);
      // The first answer tells only how much there is: what is seen of it is wanted then.
      await this.read(first, this.known.peek() ? NEWS : 1);
      this.again ||= this.total.peek() > first + NEWS;
    } while (this.again && !this.stopping.signal.aborted && !this.error.peek());
    this.refreshing = false;
  }

  stop(): void {
    this.stopping.abort();
  }

  private async read(first: number, limit: number): Promise<void> {
    const number = ++this.begun;
    try {
      const ask = { task: this.task, first, limit };
      const answer = await call("events.read_log", ask, { signal: this.stopping.signal });
      batch(() => {
        // One that was overtaken on its way tells only what nobody knew.
        const late = number < this.answered;
        if (!late) {
          this.answered = number;
          if (answer.total < this.total.peek()) this.chunks.clear(); // it was reset
          this.total.value = answer.total;
          this.runs.value = answer.attempts as Run[];
        }
        this.keep(answer.lines as Line[], late);
        this.known.value = true;
        this.error.value = undefined;
        this.version.value += 1;
      });
    } catch (caught) {
      if (!this.stopping.signal.aborted) this.error.value = caught;
    }
  }

  /** Lines whose chunk is not there from its beginning are left: they are read when seen. */
  private keep(lines: Line[], late: boolean): void {
    for (const line of lines) {
      const at = line.line % CHUNK;
      const chunk = (line.line - at) / CHUNK;
      const kept = this.chunks.get(chunk) ?? [];
      if (at > kept.length || (late && kept[at])) continue;
      kept[at] = line;
      this.chunks.set(chunk, kept);
    }
    while (this.chunks.size > KEPT) this.chunks.delete(this.chunks.keys().next().value as number);
  }
}
