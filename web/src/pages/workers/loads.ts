// What workers report of their machines, as the page shows it. No I/O.
import type { Gpu, Worker } from "../../api/documents";

/** By metric and unit, as `workers.get_load` gives it. What was zero is left out. */
export type Load = Record<string, Record<string, number>>;

const values = (load: Load | undefined, metric: string): number[] =>
  Object.values(load?.[metric] ?? {});

/** Per cent of all processors; null where nothing was reported. */
export function cpu(worker: Worker, load: Load | undefined): number | null {
  if (!load) return null;
  const found = values(load, "cpu_usage");
  const all = worker.resources?.cpus ?? found.length;
  return all ? found.reduce((sum, one) => sum + one, 0) / Math.max(all, found.length) : null;
}

/** The used share of memory, 0 to 1. */
export function memory(load: Load | undefined): number | null {
  const used = load?.memory_used?.total;
  const free = load?.memory_free?.total;
  return used === undefined || free === undefined ? null : used / (used + free);
}

export interface GpuCell {
  key: string;
  gpu: Gpu;
  worker: Worker;
  /** Per cent; null where nobody reported. */
  usage: number | null;
  /** The task that has it. */
  task: Worker["task"] | undefined;
}

/** Every GPU of every worker that has some, with how busy it is. */
export function cells(workers: Worker[], loads: Map<string, Load>): GpuCell[] {
  return workers.flatMap((worker) =>
    // Reports number the GPUs of an agent from 0, whichever of the machine's they are.
    (worker.resources?.gpus ?? []).map((gpu, at) => ({
      key: `${worker.id} ${gpu.id}`,
      gpu,
      worker,
      usage: loads.has(worker.id) ? (loads.get(worker.id)?.gpu_usage?.[String(at)] ?? 0) : null,
      task: worker.task,
    })),
  );
}

/** One of six colours from idle to busy. */
export const heat = (usage: number): number => Math.min(5, Math.max(0, Math.floor(usage / 17)));
