// Metrics and parameters of the tasks that are there, to be made columns of the list.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Task } from "../../api/documents";
import { useFresh } from "../../live/store";
import { query, setQuery } from "../../router";
import { Answers, Dialog } from "../../ui/Dialog";
import { Skeleton } from "../../ui/parts";
import { chosen as filtered } from "../../ui/FilterBar";
import { type Chosen, chosenText, parseChosen } from "./asked";
import { fieldsOf } from "./parameters";

const MOST = 500;

interface Options {
  signal: AbortSignal;
}

export function AddColumn({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [picked, pick] = useState<Chosen[]>(parseChosen(query.value.get("cols")));
  const project = filtered("project")[0] ?? "";
  const { data } = useFresh(["columns", project], (abort) => read(project, abort), []);
  const found = data.value
    ?.filter(({ head }) => head.toLowerCase().includes(text.toLowerCase()))
    .slice(0, MOST);
  const toggle = (one: Chosen) =>
    pick(
      picked.some(({ path }) => path === one.path)
        ? picked.filter(({ path }) => path !== one.path)
        : [...picked, one],
    );
  return (
    <Dialog
      title="Metrics and parameters"
      onClose={onClose}
      actions={
        <Answers
          verb={`Show ${picked.length}`}
          onCancel={onClose}
          onClick={() => {
            setQuery({ cols: chosenText(picked) });
            onClose();
          }}
        />
      }
    >
      <input
        class="text"
        type="search"
        aria-label="Find a metric or parameter"
        placeholder="Find a metric or parameter"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {found ? (
        <fieldset class="choices column-choices">
          <legend>{found.length ? "Columns" : "No metric or parameter"}</legend>
          {found.map((one) => (
            <label key={`${one.kind}${one.path}`}>
              <input
                type="checkbox"
                checked={picked.some(({ path }) => path === one.path)}
                onChange={() => toggle(one)}
              />
              {one.head}
              <small class="muted">{one.kind === "m" ? "metric" : "parameter"}</small>
            </label>
          ))}
        </fieldset>
      ) : (
        <Skeleton />
      )}
    </Dialog>
  );
}

interface Parameter {
  section: string;
  name: string;
}

async function ofProject(project: string, options: Options): Promise<Parameter[]> {
  const body = { project, page: 0, page_size: MOST };
  const { parameters } = await call("projects.get_hyper_parameters", body, options);
  return parameters as unknown as Parameter[];
}

/** Without a project: those of the tasks that changed last. */
async function ofLatest(options: Options): Promise<Parameter[]> {
  const body = { only_fields: ["hyperparams"], order_by: ["-last_update"], page: 0, page_size: 50 };
  const tasks = (await call("tasks.get_all_ex", body, options)).tasks as Task[];
  const found = tasks.flatMap((task) => fieldsOf(task));
  return [...new Map(found.map((field) => [field.key, field])).values()];
}

interface UniqueMetric {
  metric: string;
  metric_hash: string;
  variant: string;
  variant_hash: string;
}

async function read(project: string, abort: AbortSignal): Promise<Chosen[]> {
  const options = { signal: abort };
  const body = project ? { project, include_subprojects: true } : {};
  const [metrics, parameters] = await Promise.all([
    call("projects.get_unique_metric_variants", body, options),
    project ? ofProject(project, options) : ofLatest(options),
  ]);
  return [
    ...(metrics.metrics as unknown as UniqueMetric[]).map((one) => ({
      kind: "m" as const,
      path: `${one.metric_hash}.${one.variant_hash}`,
      head: `${one.metric}/${one.variant}`,
    })),
    ...parameters.map((one) => ({
      kind: "p" as const,
      path: `${one.section}.${one.name}`,
      head: `${one.section}/${one.name}`,
    })),
  ];
}
