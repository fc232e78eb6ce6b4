// Which worker ran what, as bars on rows. No I/O.

/** Times in milliseconds since the epoch. */
export interface Run {
  worker: string;
  task: string;
  attempt: number;
  name: string;
  state: string;
  taken: number;
  started?: number | null;
  ended?: number | null;
  place?: { worker?: string } | null;
}

export interface Bar {
  run: Run;
  /** Per cent of the width. */
  left: number;
  width: number;
  /** What of it went by before the task's own code ran. */
  preparing: number;
}

export interface Lane {
  worker: string;
  bars: Bar[];
}

/** The rows of a span of time, by the name a run was shown under; runs side by side get a row each. */
export function lanes(runs: Run[], from: number, to: number, now: number): Lane[] {
  const found: Lane[] = [];
  const ends = new Map<Lane, number>();
  const sorted = [...runs].sort((a, b) => a.taken - b.taken);
  for (const run of sorted) {
    const end = run.ended ?? now;
    if (end < from || run.taken > to) continue;
    const name = run.place?.worker || run.worker;
    let lane = found.find((one) => one.worker === name && (ends.get(one) ?? 0) <= run.taken);
    if (!lane) {
      lane = { worker: name, bars: [] };
      found.push(lane);
    }
    ends.set(lane, end);
    lane.bars.push(bar(run, end, from, to));
  }
  return found.sort((a, b) => a.worker.localeCompare(b.worker, "en", { numeric: true }));
}

function bar(run: Run, end: number, from: number, to: number): Bar {
  const share = (at: number) => ((Math.min(to, Math.max(from, at)) - from) / (to - from)) * 100;
  const [left, right] = [share(run.taken), share(end)];
  const own = share(run.started ?? end);
  const width = Math.max(0.3, right - left);
  return { run, left, width, preparing: Math.min(100, ((own - left) / width) * 100) };
}
