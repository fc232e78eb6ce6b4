// What tasks differ in. No I/O.
import type { Task } from "../../api/documents";

/** One thing that tasks have, with each task's value; undefined where it has none. */
export interface Row {
  section: string;
  name: string;
  values: (string | undefined)[];
  differs: boolean;
}

/** Everything that makes a task run as it does, side by side, in order of section and name. */
export function rowsOf(tasks: Task[]): Row[] {
  const all = tasks.map(facts);
  const names = new Map<string, [string, string]>();
  for (const one of all)
    for (const [key, { section, name }] of one) names.set(key, [section, name]);
  return [...names]
    .map(([key, [section, name]]) => {
      const values = all.map((one) => one.get(key)?.value);
      return { section, name, values, differs: new Set(values).size > 1 };
    })
    .sort(
      (a, b) =>
        order(a) - order(b) ||
        a.section.localeCompare(b.section) ||
        a.name.localeCompare(b.name, "en", { numeric: true }),
    );
}

const ORDER = ["Parameters", "Code", "Environment", "Configuration"];
const order = ({ section }: Row): number => {
  const at = ORDER.indexOf(section.split(" · ")[0] ?? "");
  return at < 0 ? ORDER.length : at;
};

interface Fact {
  section: string;
  name: string;
  value: string;
}

function facts(task: Task): Map<string, Fact> {
  const found = new Map<string, Fact>();
  const add = (section: string, name: string, value: string | undefined) => {
    if (value) found.set(`${section}\0${name}`, { section, name, value });
  };
  for (const [section, items] of Object.entries(task.hyperparams ?? {}))
    for (const item of Object.values(items)) add(`Parameters · ${section}`, item.name, item.value);
  const script = task.script ?? {};
  add("Code", "repository", script.repository);
  add("Code", "branch", script.branch);
  add("Code", "commit", script.version_num);
  add("Code", "entry point", script.entry_point);
  add("Code", "working folder", script.working_dir);
  add("Code", "uncommitted changes", script.diff);
  add("Environment", "packages", script.requirements?.pip);
  add("Environment", "container image", task.container?.image);
  add("Environment", "container arguments", task.container?.arguments);
  for (const item of Object.values(task.configuration ?? {}))
    add("Configuration", item.name, item.value);
  return found;
}

/** The last values that tasks measured, side by side: metric and variant make the name. */
export function metricsOf(tasks: Task[]): { name: string; values: (number | undefined)[] }[] {
  const all = tasks.map((task) => {
    const values = Object.values(task.last_metrics ?? {}).flatMap((m) => Object.values(m));
    return new Map(values.map(({ metric, variant, value }) => [`${metric} / ${variant}`, value]));
  });
  const names = [...new Set(all.flatMap((one) => [...one.keys()]))].sort();
  return names.map((name) => ({ name, values: all.map((one) => one.get(name)) }));
}
