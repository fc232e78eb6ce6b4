// What workers report of their machines, as the page shows it. No I/O.
import type { Worker } from "../../api/documents";

/** By metric and unit, as `workers.get_load` gives it. What was zero is left out. */
export type Load = Record<string, Record<string, number>>;

const values = (load: Load | undefined, metric: string): number[] =>
  Object.values(load?.[metric] ?? {});

/** Per cent of all processors of `machine`; null where nothing was reported. */
export function cpu(machine: Worker, load: Load | undefined): number | null {
  if (!load) return null;
  const found = values(load, "cpu_usage");
  const all = machine.resources?.cpus ?? found.length;
  return all ? found.reduce((sum, one) => sum + one, 0) / Math.max(all, found.length) : null;
}

/** The used share of the memory of `machine`, 0 to 1; null where nothing was reported. */
export function memory(machine: Worker, load: Load | undefined): number | null {
  const used = load?.memory_used?.total;
  const free = load?.memory_free?.total;
  const all = used !== undefined && free !== undefined ? used + free : machine.resources?.memory;
  return used === undefined || !all ? null : used / all;
}

/** How a GPU is; null where nothing was reported. */
export interface GpuLoad {
  /** Per cent. */
  usage: number | null;
  /** The used share, 0 to 1. */
  memory: number | null;
  /** Degrees Celsius. */
  temperature: number | null;
  /** Watts. */
  power: number | null;
}

/** How the GPU is that reports number `at`. */
export function gpuLoad(load: Load | undefined, at: number): GpuLoad {
  const unit = String(at);
  const reported = !!load && Object.keys(load).some((metric) => metric.startsWith("gpu_"));
  const of = (metric: string) => (reported ? (load[metric]?.[unit] ?? 0) : null);
  const [used, free] = [of("gpu_memory_used"), of("gpu_memory_free")];
  return {
    // A card that does nothing at all is told by nothing but that others are.
    usage: load ? (load.gpu_usage?.[unit] ?? 0) : null,
    memory: used === null || free === null || !(used + free) ? null : used / (used + free),
    temperature: of("gpu_temperature") || null,
    power: of("gpu_power") || null,
  };
}

/** One of six colours from idle to busy. */
export const heat = (usage: number): number => Math.min(5, Math.max(0, Math.floor(usage / 17)));
