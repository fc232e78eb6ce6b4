import "./task.css";
import { useEffect } from "preact/hooks";
import type { Attempt, Task } from "../../api/documents";
import { useLive } from "../../live/store";
import { useKeys } from "../../keys";
import { openPalette } from "../../palette-state";
import { go } from "../../router";
import type { PageProps } from "../../page-props";
import { Page } from "../../shell";
import { Button, EmptyState, Skeleton, Tabs } from "../../ui/parts";
import { StatusPill } from "../../ui/Pill";
import { Actions } from "./Actions";
import { Artifacts } from "./Artifacts";
import { Children, childrenWord } from "./children/Children";
import { Configuration } from "./Configuration";
import { Console } from "./console/Console";
import { Events } from "./Events";
import { Scalars } from "./scalars/Scalars";
import { Summary } from "./Summary";

const TABS = [
  { key: "summary", word: "Summary" },
  { key: "config", word: "Configuration" },
  { key: "console", word: "Console" },
  { key: "scalars", word: "Scalars" },
  { key: "artifacts", word: "Artifacts" },
  { key: "children", word: "Made from it" },
  { key: "events", word: "Events" },
];

export default function TaskPage({ params }: PageProps) {
  const id = params.id ?? "";
  const { data } = useLive("tasks.get_all_ex", { id: [id], search_hidden: true }, [`task:${id}`]);
  useKeys(
    TABS.map(({ key, word }, at) => ({
      keys: String(at + 1),
      word: `Task: ${word.toLowerCase()}`,
      act: () => go(`/tasks/${id}/${key}`),
    })),
    [id],
  );
  const tasks = data.value?.tasks as Task[] | undefined;
  if (!tasks)
    return (
      <Page title="Task">
        <Skeleton />
      </Page>
    );
  const task = tasks[0];
  if (!task) return <NoTask id={id} />;
  return <Known key={id} task={task} tab={params.tab ?? "summary"} />;
}

function Known({ task, tab }: { task: Task; tab: string }) {
  const { id } = task;
  const attempts = (useLive("attempts.get_all", { task: id }, [`task:${id}`]).data.value
    ?.attempts ?? []) as unknown as Attempt[];
  const tabs = TABS.map((one) =>
    one.key === "children" ? { ...one, word: childrenWord(task) } : one,
  );
  const preparing = ["leased", "preparing"].includes(attempts.at(-1)?.state ?? "");
  return (
    <Page
      title={task.name}
      beside={<StatusPill status={task.status} preparing={preparing} />}
      actions={<Actions task={task} />}
      under={<Tabs label="Task" tabs={tabs} chosen={tab} to={(key) => `/tasks/${id}/${key}`} />}
      fill={tab === "console"}
    >
      {tab === "config" ? (
        <Configuration task={task} />
      ) : tab === "console" ? (
        <Console task={task} />
      ) : tab === "scalars" ? (
        <Scalars task={task} />
      ) : tab === "artifacts" ? (
        <Artifacts task={task} />
      ) : tab === "events" ? (
        <Events task={id} />
      ) : tab === "children" ? (
        <Children task={task} />
      ) : (
        <Summary task={task} attempts={attempts} />
      )}
    </Page>
  );
}

/** An id may have been shortened: commands show eight digits. */
function NoTask({ id }: { id: string }) {
  const { data } = useLive(
    "tasks.get_all_ex",
    {
      _any_: { fields: ["id"], pattern: `^${id.replace(/\W/g, "")}` },
      only_fields: ["id", "name"],
      search_hidden: true,
      page: 0,
      page_size: 2,
    },
    [],
  );
  const found = data.value?.tasks as Task[] | undefined;
  const only = id.length >= 4 && found?.length === 1 ? found[0]?.id : undefined;
  useEffect(() => {
    if (only) go(`/tasks/${only}`, { replace: true });
  }, [only]);
  return (
    <Page title="No such task">
      <EmptyState title={`No task ${id}`}>
        <p>It may have been deleted, or belong to another server.</p>
        <Button kind="primary" onClick={openPalette}>
          Search
        </Button>
      </EmptyState>
    </Page>
  );
}
