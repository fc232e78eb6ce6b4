// The tasks that were made from one: the trials of a search, or its clones. What they differ in,
// and which is the best.
import type { ComponentChildren } from "preact";
import type { Task } from "../../../api/documents";
import { go, query, setQuery } from "../../../router";
import { isPhone } from "../../../ui/display";
import { duration, plural, value } from "../../../ui/format";
import { Button, Card, Kpi, Nothing, Segmented, TaskLink } from "../../../ui/parts";
import { StatusPill } from "../../../ui/Pill";
import { type Column, Table } from "../../../ui/Table";
import { fieldsOf } from "../../tasks/parameters";
import { Parallel } from "./Parallel";
import { axisOf, bestOf, metricsOf, type Objective, objectiveOf, valueOf, varying } from "./trials";

/** Parameters that have a column, and an axis. */
const MOST = 8;
const MOST_COMPARED = 10;

interface TrialsProps {
  /** What they were made from. */
  task: Task;
  trials: Task[];
}

export function Trials({ task, trials }: TrialsProps) {
  const objective = useObjective(task, trials);
  const parameters = varying(trials).slice(0, MOST);
  const best = bestOf(trials, objective);
  const names = [...new Set(trials.flatMap((one) => metricsOf(one).map(nameOf)))].sort();
  const parameter = (one: Task, key: string) =>
    fieldsOf(one).find((field) => field.key === key)?.value;
  const ended = trials.filter(
    ({ status }) => !["created", "queued", "in_progress"].includes(status),
  );
  const columns: Column<Task>[] = [
    {
      key: "name",
      head: "Task",
      phone: true,
      sort: (t) => t.name,
      cell: (t) => (
        <>
          <TaskLink task={t} />
          {t.id === best && <span class="tag"> best</span>}
        </>
      ),
    },
    {
      key: "status",
      head: "Status",
      width: 120,
      phone: true,
      sort: (t) => t.status,
      cell: (t) => <StatusPill status={t.status} />,
    },
    ...parameters.map((key) => ({
      key,
      head: key,
      width: 130,
      number: true,
      phone: true,
      sort: (t: Task) => orderable(parameter(t, key)),
      cell: (t: Task) => named(key, parameter(t, key) ?? <Nothing />),
    })),
    ...(objective
      ? [
          {
            key: "objective",
            head: nameOf(objective),
            width: 130,
            number: true,
            phone: true,
            sort: (t: Task) => valueOf(t, objective),
            cell: (t: Task) => named(nameOf(objective), shown(valueOf(t, objective))),
          },
        ]
      : []),
    {
      key: "ran",
      head: "Ran for",
      width: 90,
      number: true,
      sort: (t) => t.active_duration,
      cell: (t) => (t.active_duration ? duration(t.active_duration) : <Nothing />),
    },
  ];
  const ranked = trials
    .filter((one) => valueOf(one, objective) !== undefined)
    .sort(
      (a, b) =>
        ((valueOf(a, objective) ?? 0) - (valueOf(b, objective) ?? 0)) * (objective?.most ? -1 : 1),
    )
    .slice(0, MOST_COMPARED);
  const bestTask = trials.find(({ id }) => id === best);
  return (
    <>
      <div class="kpis">
        <Kpi label="Ended" value={ended.length} unit={`of ${plural(trials.length, "task")}`} />
        {bestTask && objective && (
          <Kpi
            label={`Best ${nameOf(objective)}`}
            value={shown(valueOf(bestTask, objective))}
            note={<TaskLink task={bestTask} />}
          />
        )}
      </div>
      {objective && parameters.length > 0 && trials.length > 1 && (
        <Card title="From what it was given to what came out">
          <Parallel
            axes={[
              ...parameters.map((key) =>
                axisOf(
                  key,
                  trials.map((one) => parameter(one, key)),
                ),
              ),
              axisOf(
                nameOf(objective),
                trials.map((one) => valueOf(one, objective)),
              ),
            ]}
            trials={trials}
            best={best}
          />
        </Card>
      )}
      <Card
        title="Tasks made from it"
        actions={
          <>
            {names.length > 0 && (
              <label class="check-field">
                Measured by
                <select
                  value={objective ? nameOf(objective) : ""}
                  onChange={(event) => setQuery({ by: event.currentTarget.value })}
                >
                  {names.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              </label>
            )}
            {objective && (
              <Segmented
                label="Best is"
                choices={[
                  ["least", "Least"],
                  ["most", "Most"],
                ]}
                chosen={objective.most ? "most" : "least"}
                onChoose={(best) => setQuery({ best })}
              />
            )}
            <Button
              disabled={ranked.length < 2}
              onClick={() => go(`/compare?ids=${ranked.map(({ id }) => id).join(",")}`)}
            >
              Compare the best
            </Button>
          </>
        }
      >
        <Table
          name={`trials-${task.id}`}
          label="Tasks made from it"
          columns={columns}
          rows={trials}
          id={({ id }) => id}
          sort={{ key: objective ? "objective" : "name", descending: !!objective?.most }}
          onOpen={({ id }) => go(`/tasks/${id}`)}
          rowClass={({ id }) => (id === best ? "current" : "")}
        />
      </Card>
    </>
  );
}

const nameOf = ({ metric, variant }: { metric: string; variant: string }): string =>
  `${metric}/${variant}`;

const shown = (number: number | undefined) => (number === undefined ? <Nothing /> : value(number));

/** A phone has no heads over its columns. */
const named = (name: string, value: ComponentChildren) =>
  isPhone.value ? (
    <>
      <small class="muted">{name}</small> {value}
    </>
  ) : (
    value
  );

/** Numbers in their order, words in theirs. */
const orderable = (text: string | undefined): string | number | undefined =>
  text && Number.isFinite(Number(text)) ? Number(text) : text;

/** What the tasks are measured by: as the address says, as their search says, or else the first
 * curve that they have. */
function useObjective(task: Task, trials: Task[]): Objective | null {
  const said = objectiveOf(task);
  const [wanted, best] = [query.value.get("by"), query.value.get("best")];
  const all = trials.flatMap(metricsOf);
  const chosen = all.find((one) => nameOf(one) === wanted);
  const otherwise = all.find(({ metric }) => !metric.startsWith(":monitor:"));
  const found: Objective | null = chosen
    ? { metric: chosen.metric, variant: chosen.variant, most: false, ever: false }
    : (said ?? (otherwise ? { ...otherwise, most: false, ever: false } : null));
  return found && best ? { ...found, most: best === "most" } : found;
}
