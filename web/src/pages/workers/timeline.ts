// Which worker ran what, as bars on rows. No I/O.
import { byName } from "../../ui/table-state";
import { placeOf, type Run } from "./fleet";

export interface Bar {
  run: Run;
  /** Per cent of the width. */
  left: number;
  width: number;
  /** What of it went by before the task's own code ran. */
  preparing: number;
}

export interface Lane {
  /** The agent that ran it. */
  agent: string;
  /** The worker of its own as which it was shown; empty for the agent itself. */
  part: string;
  bars: Bar[];
}

/** Runs that come and go under names with their ids share the rows of what they share. */
const partName = (run: Run): string =>
  (placeOf(run).worker ?? "").replace(/:[0-9a-f]{8}(?:[0-9a-f]{24})?$/, "");

/** The rows of a span of time (milliseconds): each agent, below it what ran as a worker of its own;
 * runs side by side get a row each. */
export function lanes(runs: Run[], from: number, to: number, now: number): Lane[] {
  const found: Lane[] = [];
  const ends = new Map<Lane, number>();
  for (const run of [...runs].sort((a, b) => a.taken - b.taken)) {
    const end = run.ended ?? now;
    if (end < from || run.taken > to) continue;
    const [agent, part] = [run.worker, partName(run)];
    let lane = found.find(
      (one) => one.agent === agent && one.part === part && (ends.get(one) ?? 0) <= run.taken,
    );
    if (!lane) {
      lane = { agent, part, bars: [] };
      found.push(lane);
    }
    ends.set(lane, end);
    lane.bars.push(bar(run, end, from, to));
  }
  // An agent of which only parts ran anything stands above them all the same.
  const own = new Set(found.filter(({ part }) => !part).map(({ agent }) => agent));
  const heads = [...new Set(found.map(({ agent }) => agent))].filter((agent) => !own.has(agent));
  return [...heads.map((agent) => ({ agent, part: "", bars: [] })), ...found].sort(
    (a, b) => byName(a.agent, b.agent) || byName(a.part, b.part),
  );
}

function bar(run: Run, end: number, from: number, to: number): Bar {
  const share = (at: number) => ((Math.min(to, Math.max(from, at)) - from) / (to - from)) * 100;
  const [left, right] = [share(run.taken), share(end)];
  const own = share(run.started ?? end);
  const width = Math.max(0.3, right - left);
  return { run, left, width, preparing: Math.min(100, ((own - left) / width) * 100) };
}
