// Tasks that were made from one: what they differ in, and how good they are. No I/O.
import type { Metric, Task } from "../../../api/documents";
import { value as shown } from "../../../ui/format";
import { fieldsOf } from "../../tasks/parameters";

export interface Objective {
  metric: string;
  variant: string;
  /** Whether more is better. */
  most: boolean;
  /** Whether the best value counts that ever was, not the last. */
  ever: boolean;
}

/** What a search is after, as the SDK's optimizer keeps it; null for other tasks. */
export function objectiveOf(task: Pick<Task, "hyperparams">): Objective | null {
  const kept = task.hyperparams?.General ?? {};
  const read = (name: string) => first(kept[`opt/${name}`]?.value);
  const [metric, variant] = [read("objective_metric_title"), read("objective_metric_series")];
  if (!metric || !variant) return null;
  const sign = read("objective_metric_sign");
  return { metric, variant, most: sign.startsWith("max"), ever: sign.endsWith("_global") };
}

/** Of `['a', 'b']` and of `a`: a. */
const first = (text = ""): string =>
  text
    .replace(/^\s*\[/, "")
    .split(",", 1)[0]
    ?.replace(/[\]'"]/g, "")
    .trim() ?? "";

export const metricsOf = (task: Pick<Task, "last_metrics">): Metric[] =>
  Object.values(task.last_metrics ?? {}).flatMap((variants) => Object.values(variants));

/** A task's value of the objective; undefined while it has none. */
export function valueOf(task: Task, objective: Objective | null): number | undefined {
  const found = metricsOf(task).find(
    ({ metric, variant }) => metric === objective?.metric && variant === objective.variant,
  );
  if (!objective?.ever) return found?.value;
  return objective.most ? found?.max_value : found?.min_value;
}

/** The id of the best task; empty where none has a value. */
export function bestOf(tasks: Task[], objective: Objective | null): string {
  let best: { id: string; value: number } | null = null;
  for (const task of tasks) {
    const value = valueOf(task, objective);
    if (value === undefined || !Number.isFinite(value)) continue;
    if (!best || (objective?.most ? value > best.value : value < best.value))
      best = { id: task.id, value };
  }
  return best?.id ?? "";
}

/** The parameters that not all of the tasks have the same value of: `Args/lr`. */
export function varying(tasks: Task[]): string[] {
  const values = new Map<string, Set<string>>();
  const counts = new Map<string, number>();
  for (const task of tasks)
    for (const { key, value } of fieldsOf(task)) {
      values.set(key, (values.get(key) ?? new Set()).add(value));
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  return [...values.keys()].filter(
    (key) => (values.get(key)?.size ?? 0) > 1 || counts.get(key) !== tasks.length,
  );
}

export interface Axis {
  name: string;
  /** What stands at its lower and upper end. */
  ends: [string, string];
  /** Where each task's value stands, 0 to 1 from below; null where it has none. */
  places: (number | null)[];
}

/** One axis of values that are numbers, or else words in their order. Values over two powers of
 * ten and more stand by their logarithm. */
export function axisOf(name: string, values: (string | number | undefined)[]): Axis {
  const given = values.filter((value) => value !== undefined && value !== "");
  const numbers = given.map(Number);
  if (numbers.every(Number.isFinite)) {
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
    const scale = least > 0 && most / least >= 100 ? Math.log : (value: number) => value;
    const [low, high] = [scale(least), scale(most)];
    const place = (value: number) => (high > low ? (scale(value) - low) / (high - low) : 0.5);
    return {
      name,
      ends: given.length ? [shown(least), shown(most)] : ["", ""],
      places: values.map((value) =>
        value === undefined || value === "" ? null : place(Number(value)),
      ),
    };
  }
  const words = [...new Set(given.map(String))].sort((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
  return {
    name,
    ends: [words[0] ?? "", words.at(-1) ?? ""],
    places: values.map((value) => {
      const at = words.indexOf(String(value ?? ""));
      if (at < 0) return null;
      return words.length > 1 ? at / (words.length - 1) : 0.5;
    }),
  };
}
