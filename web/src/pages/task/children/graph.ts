// The steps of a pipeline as its controller describes them, and where they stand on the page.
// No I/O.
import type { Task } from "../../../api/documents";

/** One step: what it waits for, and the task that does it, once there is one. */
export interface Step {
  name: string;
  parents: string[];
  task: string;
  /** The controller's word, for steps without a task of their own, such as `skipped`. */
  said: string;
}

/** The controller's description of a step, as the SDK writes it. */
interface Node {
  parents?: string[] | null;
  job_id?: string | null;
  executed?: string | null;
  status?: string | null;
}

/** The steps that a controller's configuration tells of; none where it has no such description. */
export function stepsOf(controller: Pick<Task, "configuration">): Step[] {
  let nodes: Record<string, Node>;
  try {
    nodes = JSON.parse(controller.configuration?.Pipeline?.value ?? "{}") as Record<string, Node>;
  } catch {
    return [];
  }
  return Object.entries(nodes ?? {}).map(([name, node]) => ({
    name,
    parents: (node.parents ?? []).filter((parent) => parent in nodes),
    task: node.job_id || node.executed || "",
    said: node.status ?? "",
  }));
}

/** The steps with what is only known of the controller's children: a task that is described
 * nowhere is found by its name, and is a step of its own where no step has it. */
export function withTasks(steps: Step[], children: Pick<Task, "id" | "name">[]): Step[] {
  const found = steps.map((step) => ({
    ...step,
    task: step.task || (children.find(({ name }) => name === step.name)?.id ?? ""),
  }));
  const known = new Set(found.map(({ task }) => task));
  const others = children.filter(({ id }) => !known.has(id));
  return [...found, ...others.map(({ id, name }) => ({ name, parents: [], task: id, said: "" }))];
}

export interface Placed {
  step: Step;
  /** From the left: how many steps are before it at the least. */
  column: number;
  row: number;
}

/** Where steps stand: each to the right of all it waits for, near to them. */
export function placed(steps: Step[]): Placed[] {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const columns = new Map<string, number>();
  const columnOf = (step: Step, above: ReadonlySet<string>): number => {
    const known = columns.get(step.name);
    if (known !== undefined) return known;
    const next = new Set(above).add(step.name);
    const before = step.parents.flatMap((name) => {
      const parent = byName.get(name);
      // A description may go round in a circle; the page does not.
      return parent && !next.has(name) ? [columnOf(parent, next)] : [];
    });
    const column = before.length ? Math.max(...before) + 1 : 0;
    columns.set(step.name, column);
    return column;
  };
  for (const step of steps) columnOf(step, new Set());
  const rows = new Map<string, number>();
  const found: Placed[] = [];
  for (let column = 0; column <= Math.max(-1, ...columns.values()); column++) {
    const here = steps.filter(({ name }) => columns.get(name) === column);
    const wanted = (step: Step, at: number) => {
      const before = step.parents.flatMap((name) => rows.get(name) ?? []);
      return before.length ? before.reduce((sum, row) => sum + row, 0) / before.length : at;
    };
    here
      .map((step, at) => ({ step, wish: wanted(step, at) }))
      .sort((a, b) => a.wish - b.wish)
      .forEach(({ step }, row) => {
        rows.set(step.name, row);
        found.push({ step, column, row });
      });
  }
  return found;
}
