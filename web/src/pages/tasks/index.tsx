import "./tasks.css";
import { useSignal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import { call, words } from "../../api/client";
import type { Named, Task, User } from "../../api/documents";
import { useFresh, useLive } from "../../live/store";
import { go, query, setQuery } from "../../router";
import { Page } from "../../shell";
import { CopyButton } from "../../ui/CodeBlock";
import { type Filter, FilterBar, Search, setFilter } from "../../ui/FilterBar";
import { statusWord } from "../../ui/Pill";
import { Button, Card, EmptyState, Notice, Skeleton } from "../../ui/parts";
import { ColumnsMenu } from "../../ui/ColumnsMenu";
import { Table } from "../../ui/Table";
import { parseSort, sortText } from "../../ui/table-state";
import { FirstTask } from "../welcome/FirstTask";
import { AddColumn } from "./AddColumn";
import { asked, commandOf, isFiltered, PAGE, parseChosen } from "./asked";
import { BatchBar } from "./BatchBar";
import { Views } from "./Views";
import { columnOf, COLUMNS, type Row } from "./columns";
import { NewTask } from "./NewTask";

const STATUSES = [
  "created",
  "queued",
  "in_progress",
  "completed",
  "failed",
  "stopped",
  "published",
] as const;

export default function Tasks() {
  const address = query.value;
  const body = asked(address);
  const { data, error } = useFresh(
    ["tasks", JSON.stringify(body)],
    (abort) => read(body, abort),
    ["tasks"],
    { every: 500 },
  );
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const [adding, setAdding] = useState(false);
  const [making, setMaking] = useState(false);
  const { filters, named } = useFilters();
  const cols = address.get("cols");
  const columns = useMemo(() => [...COLUMNS, ...parseChosen(cols).map(columnOf)], [cols]);
  const rows = data.value;
  const sort = parseSort(address.get("sort"), { key: "updated", descending: true });
  return (
    <Page
      title="Tasks"
      fill
      actions={
        <>
          <Views table="tasks" hidden={COLUMNS.filter((c) => c.extra).map((c) => c.key)} />
          <CopyButton text={commandOf(address, named)} label="Copy as a command" />
          <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
            New task
          </Button>
        </>
      }
    >
      <Card class="tasks">
        <FilterBar filters={filters}>
          <Search label="Find a task" placeholder="Name, id, tag or description" />
          <ColumnsMenu name="tasks" columns={columns} />
          <Button kind="soft" icon="plus" onClick={() => setAdding(true)}>
            Metrics
          </Button>
        </FilterBar>
        {rows && <BatchBar tasks={rows} selected={selected} />}
        {error.value !== undefined && <Notice tone="bad">{words(error.value).what}</Notice>}
        {rows ? (
          <Table
            fill
            name="tasks"
            label="Tasks"
            columns={columns}
            rows={rows}
            id={(task) => task.id}
            sorted
            sort={sort}
            onSort={(next) => setQuery({ sort: sortText(next), page: null })}
            selected={selected}
            onOpen={(task) => go(`/tasks/${task.id}`)}
            empty={isFiltered(address) ? <NoMatch filters={filters} /> : <FirstTask />}
          />
        ) : (
          <Skeleton rows={10} />
        )}
        <Pages rows={rows} />
      </Card>
      {adding && <AddColumn onClose={() => setAdding(false)} />}
      {making && <NewTask onClose={() => setMaking(false)} />}
    </Page>
  );
}

function NoMatch({ filters }: { filters: Filter[] }) {
  return (
    <EmptyState title="No task matches">
      <Button
        onClick={() => {
          for (const { key } of filters) setFilter(key, []);
          setQuery({ q: null, page: null, archived: null });
        }}
      >
        Clear filters
      </Button>
    </EmptyState>
  );
}

/** Which page of the list it is; how many there are in all nobody needs to count. */
function Pages({ rows }: { rows: Row[] | undefined }) {
  const page = Math.max(1, Number(query.value.get("page")) || 1);
  const archived = !!query.value.get("archived");
  const first = (page - 1) * PAGE;
  return (
    <div class="pages">
      <label class="check-field">
        <input
          type="checkbox"
          checked={archived}
          onChange={() => setQuery({ archived: archived ? null : "1", page: null })}
        />
        The archive
      </label>
      <span class="spring" />
      {(page > 1 || rows?.length === PAGE) && (
        <>
          <span class="num muted">
            {rows?.length ? `${first + 1}–${first + rows.length}` : "none"}
          </span>
          <Button
            kind="soft"
            disabled={page === 1}
            onClick={() => setQuery({ page: page > 2 ? String(page - 1) : null })}
          >
            Newer
          </Button>
          <Button
            kind="soft"
            disabled={(rows?.length ?? 0) < PAGE}
            onClick={() => setQuery({ page: String(page + 1) })}
          >
            Older
          </Button>
        </>
      )}
    </div>
  );
}

/** Tasks, with what the server says of those that wait or are being prepared. */
async function read(body: Record<string, unknown>, abort: AbortSignal): Promise<Row[]> {
  const options = { signal: abort };
  const tasks = (await call("tasks.get_all_ex", body, options)).tasks as Task[];
  const live = tasks.filter(({ status }) => status === "queued" || status === "in_progress");
  if (!live.length) return tasks;
  const { explanations } = await call(
    "tasks.explain_many",
    { ids: live.map(({ id }) => id) },
    options,
  );
  const told = new Map(explanations.map((one) => [one.task, one]));
  return tasks.map((task) => {
    const found = told.get(task.id);
    if (!found) return task;
    const preparing = found.state === "preparing";
    const running = task.status === "in_progress" && !preparing;
    return {
      ...task,
      preparing,
      position: found.position ?? undefined,
      why: running ? (task.last_worker ?? "") : String(found.reason.text ?? ""),
      hint: found.hint,
    };
  });
}

/** The filters, with the projects, users, queues and tags that are there. */
function useFilters(): { filters: Filter[]; named: (id: string) => string } {
  const few = { only_fields: ["id", "name"], order_by: ["name"] };
  const projects = useLive("projects.get_all_ex", { ...few, search_hidden: false }, []).data.value
    ?.projects as unknown as Named[] | undefined;
  const users = useLive("users.get_all_ex", { only_fields: ["id", "name"] }, []).data.value
    ?.users as unknown as User[] | undefined;
  const queues = useLive("queues.get_all", few, ["queues"]).data.value?.queues as unknown as
    Named[] | undefined;
  const tags = useLive("organization.get_tags", {}, []).data.value?.tags;
  const list = (found: { id: string; name?: string }[] | undefined) =>
    (found ?? []).map(({ id, name }) => [id, name ?? id] as const);
  const filters: Filter[] = [
    { key: "status", word: "Status", choices: STATUSES.map((one) => [one, statusWord(one)]) },
    { key: "project", word: "Project", choices: list(projects) },
    { key: "queue", word: "Queue", choices: list(queues) },
    { key: "user", word: "User", choices: list(users) },
    { key: "tag", word: "Tag", choices: (tags ?? []).map((tag) => [tag, tag]) },
  ];
  const all = [...list(projects), ...list(queues), ...list(users)];
  return { filters, named: (id) => all.find(([key]) => key === id)?.[1] ?? id };
}
