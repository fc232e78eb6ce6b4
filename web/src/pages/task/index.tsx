import type { Attempt, Task } from "../../api/documents";
import { useLive } from "../../live/store";
import type { PageProps } from "../../routes";
import { Page } from "../../shell";
import { StatusPill } from "../../ui/Pill";
import { EmptyState, Notice, Skeleton, Tabs } from "../../ui/parts";
import { Configuration } from "./Configuration";
import { Console } from "./console/Console";
import { Summary } from "./Summary";

const TABS = [
  { key: "summary", word: "Summary" },
  { key: "config", word: "Configuration" },
  { key: "console", word: "Console" },
];

export default function TaskPage({ params }: PageProps) {
  const id = params.id ?? "";
  const { data } = useLive("tasks.get_all_ex", { id: [id], search_hidden: true }, [`task:${id}`]);
  const attempts = (useLive("attempts.get_all", { task: id }, [`task:${id}`]).data.value
    ?.attempts ?? []) as unknown as Attempt[];
  const tasks = data.value?.tasks as Task[] | undefined;
  if (!tasks)
    return (
      <Page title="Task">
        <Skeleton />
      </Page>
    );
  const task = tasks[0];
  if (!task)
    return (
      <Page title="No such task">
        <EmptyState title={`No task ${id}`} />
      </Page>
    );
  const tab = params.tab ?? "summary";
  const why = [task.status_reason, task.status_message].filter(Boolean).join(": ");
  const last = attempts.at(-1);
  return (
    <Page
      title={task.name}
      beside={<StatusPill status={task.status} preparing={last?.state === "preparing"} />}
      under={<Tabs label="Task" tabs={TABS} chosen={tab} to={(key) => `/tasks/${id}/${key}`} />}
      fill={tab === "console"}
    >
      {why && tab === "summary" && (
        <Notice tone={task.status === "failed" ? "bad" : "info"}>
          {why}
          {last?.hint && <div>What to do: {last.hint}</div>}
        </Notice>
      )}
      {tab === "config" ? (
        <Configuration task={task} />
      ) : tab === "console" ? (
        <Console key={id} task={task} />
      ) : (
        <Summary task={task} attempts={attempts} />
      )}
    </Page>
  );
}
