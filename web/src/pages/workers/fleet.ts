// Workers with what they run and on which of their GPUs: what the page shows of them. No I/O.
import type { WorkerRun } from "../../api/actions";
import type { Gpu, Worker } from "../../api/documents";
import { type GpuLoad, gpuLoad, type Load } from "./loads";

/** An attempt that is under way. */
export type Run = WorkerRun;

/** Where on its machine an attempt runs. */
interface Place {
  /** The worker of its own as which it is shown. */
  worker?: string;
  /** Ids of the GPUs that it has. */
  gpus?: string[];
  /** Ten-thousandths that it has of each. */
  share?: number;
}

export const placeOf = (run: Pick<Run, "place">): Place => run.place ?? {};

export interface Cell extends GpuLoad {
  gpu: Gpu;
  /** What has it, or a part of it. */
  runs: Run[];
}

/** A worker, with all that is known of it. Runs that are workers of their own come after the agent
 * that has them. */
export interface Member {
  worker: Worker;
  /** Of a run that is a worker of its own: the agent that has it. */
  head: Member | undefined;
  load: Load | undefined;
  runs: Run[];
  /** Its GPUs; of a run that is a worker of its own those that it has. */
  cells: Cell[];
}

/** The worker whose machine it is on. */
export const agentOf = ({ worker, head }: Member): Worker => head?.worker ?? worker;

const WHOLE = 10_000;
/** Per cent below which a GPU that somebody has counts as idle. */
const IDLE = 10;

export const isHeldIdle = ({ runs, usage }: Cell): boolean =>
  runs.length > 0 && usage !== null && usage < IDLE;

/** Whether a run has a GPU of its agent. One that has just been taken does not know its place yet;
 * one without a place may use all there are, unless it shares the machine as a worker of its own. */
function has(run: Run, gpu: Gpu): boolean {
  const { worker, gpus } = placeOf(run);
  if (gpus) return gpus.includes(gpu.id);
  return !worker && run.state !== "leased";
}

/** The GPUs that a worker told of; those of other makers' agents are known by their loads only. */
function gpusOf(worker: Worker, load: Load | undefined): Gpu[] {
  if (worker.resources?.gpus) return worker.resources.gpus;
  const units = Object.keys({ ...load?.gpu_usage, ...load?.gpu_memory_used });
  return units
    .filter((unit) => /^\d+$/.test(unit))
    .map((unit) => ({ id: unit, index: Number(unit), name: "GPU", memory: 0 }));
}

function cellsOf(worker: Worker, load: Load | undefined, runs: Run[]): Cell[] {
  // Reports number the GPUs of an agent from 0, whichever of the machine's they are.
  return gpusOf(worker, load).map((gpu, at) => ({
    ...gpuLoad(load, at),
    gpu,
    runs: runs.filter((run) => has(run, gpu)),
  }));
}

const same = (a: Run[], b: Run[]): boolean =>
  a.length === b.length && a.every((run, at) => run === b[at]);

/** All workers, each agent followed by the runs that are workers of their own. One of which nothing
 * changed is the very one of `before`. */
export function members(
  workers: Worker[],
  loads: ReadonlyMap<string, Load>,
  runs: Run[],
  before: ReadonlyMap<string, Member> = new Map(),
): Member[] {
  const byAgent = grouped(runs, (run) => run.worker);
  const ofOwn = new Map(runs.map((run) => [placeOf(run).worker ?? "", run]));
  const ids = new Set(workers.map(({ id }) => id));
  const headOf = (worker: Worker) => {
    const agent = ofOwn.get(worker.id)?.worker;
    return agent && agent !== worker.id && ids.has(agent) ? agent : "";
  };
  const parts = grouped(workers, headOf);
  const member = (worker: Worker, head: Member | undefined, own: Run[]): Member => {
    const [load, known] = [loads.get(worker.id), before.get(worker.key)];
    const stays = known?.worker === worker && known.head === head && known.load === load;
    if (stays && same(known.runs, own)) return known;
    const cells = head
      ? head.cells.filter((cell) => own.some((run) => cell.runs.includes(run)))
      : cellsOf(worker, load, own);
    return { worker, head, load, runs: own, cells };
  };
  return (parts.get("") ?? []).flatMap((agent) => {
    const head = member(agent, undefined, byAgent.get(agent.id) ?? []);
    const own = (parts.get(agent.id) ?? []).map((part) => {
      const run = ofOwn.get(part.id);
      return member(part, head, run ? [run] : []);
    });
    return [head, ...own];
  });
}

function grouped<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const group = found.get(keyOf(item));
    if (group) group.push(item);
    else found.set(keyOf(item), [item]);
  }
  return found;
}

/** What a map of GPUs shows by its colours. */
export type Mode = "usage" | "memory" | "task" | "user";

/** The colours of a cell: CSS class, and names that have a colour each. */
export interface Paint {
  /** 0 to 100, for the ramp; null where nothing is known, or nothing but names is shown. */
  level: number | null;
  names: string[];
}

export function paintOf(cell: Cell, mode: Mode): Paint {
  if (mode === "usage") return { level: cell.usage, names: [] };
  if (mode === "memory")
    return { level: cell.memory === null ? null : cell.memory * 100, names: [] };
  const names = cell.runs.map((run) => (mode === "task" ? run.task : (run.user ?? "")));
  return { level: names.length ? null : 0, names: [...new Set(names)] };
}

/** One of the eight colours of series: a name has the same one everywhere. */
export function colourOf(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return (hash % 8) + 1;
}

/** What a cell says in words. */
export function wordsOf({ gpu, usage, memory, temperature, power, runs }: Cell): string[] {
  const percent = (share: number) => `${Math.round(share)} %`;
  return [
    `GPU ${gpu.index}, ${gpu.name}`,
    usage === null ? "not reported" : `${percent(usage)} busy`,
    memory === null ? "" : `${percent(memory * 100)} of its memory`,
    [temperature && `${Math.round(temperature)} °C`, power && `${Math.round(power)} W`]
      .filter(Boolean)
      .join(", "),
    ...runs.map((run) => `${run.name}${partOf(run)}${run.user ? `, ${run.user}` : ""}`),
    runs.length ? "" : "no task",
  ].filter(Boolean);
}

/** ` (25 %)` for a run that has a part of its GPUs. */
export function partOf(run: Run): string {
  const { share = WHOLE } = placeOf(run);
  return share < WHOLE ? ` (${Math.round(share / 100)} %)` : "";
}
