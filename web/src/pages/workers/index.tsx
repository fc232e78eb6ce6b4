import "./workers.css";
import { useMemo, useRef } from "preact/hooks";
import { call } from "../../api/client";
import type { Worker } from "../../api/documents";
import { useFresh, useLive } from "../../live/store";
import type { PageProps } from "../../page-props";
import { go, query, setQuery } from "../../router";
import { Page } from "../../shell";
import { type Filter, FilterBar, Search, chosen } from "../../ui/FilterBar";
import { now, plural } from "../../ui/format";
import { type WorkerState, workerWord } from "../../ui/Pill";
import { Card, EmptyState, Kpi, Segmented, Skeleton } from "../../ui/parts";
import { Activity } from "../overview/Activity";
import { type Member, members, type Run } from "./fleet";
import { GpuMap } from "./GpuMap";
import type { Load } from "./loads";
import { OneWorker } from "./OneWorker";
import { OrderHistory } from "./Orders";
import { TimeLine } from "./TimeLine";
import { stateOf, WorkerTable } from "./WorkerTable";

const STATES: WorkerState[] = ["busy", "idle", "paused", "draining", "stopping", "unfit", "lost"];
const VIEWS = [
  ["table", "Table"],
  ["timeline", "Time line"],
] as const;
const PULSE = 15_000;

export default function Workers({ params }: PageProps) {
  const { data } = useLive("workers.get_all", { last_seen: 0 }, ["workers"], { pulse: PULSE });
  const loads = useLoads();
  const workers = data.value?.workers as unknown as Worker[] | undefined;
  const runs = useRuns();
  const before = useRef<ReadonlyMap<string, Member>>(new Map());
  const all = useMemo(() => {
    const found = members(workers ?? [], loads, runs, before.current);
    before.current = new Map(found.map((member) => [member.worker.key, member]));
    return found;
  }, [workers, loads, runs]);
  const view = query.value.get("view") === "timeline" ? "timeline" : "table";
  if (!workers)
    return (
      <Page title="Workers">
        <Skeleton />
      </Page>
    );
  const text = (query.value.get("q") ?? "").toLowerCase();
  const states = chosen("status");
  const serves = chosen("queue");
  const cards = chosen("gpu");
  const rows = all
    .filter(({ worker }) => worker.id.toLowerCase().includes(text))
    .filter((member) => !states.length || states.includes(stateOf(member, now.value)))
    .filter((member) => !serves.length || queuesOf(member).some((one) => serves.includes(one)))
    .filter(({ cells }) => !cards.length || cells.some(({ gpu }) => cards.includes(gpu.name)));
  const open = all.find(({ worker }) => worker.id === params.id);
  const filters: Filter[] = [
    { key: "status", word: "Status", choices: STATES.map((one) => [one, workerWord(one)]) },
    { key: "queue", word: "Queue", choices: namesOf(all.flatMap(queuesOf)) },
    {
      key: "gpu",
      word: "GPU",
      choices: namesOf(all.flatMap(({ cells }) => cells.map(({ gpu }) => gpu.name))),
    },
  ];
  return (
    <Page
      title="Workers"
      actions={
        <Segmented
          label="View"
          choices={VIEWS}
          chosen={view}
          onChoose={(choice) => setQuery({ view: choice === "table" ? null : choice })}
        />
      }
    >
      {workers.length > 0 && <Numbers members={all} />}
      <GpuMap members={all} />
      {view === "timeline" ? (
        <TimeLine />
      ) : (
        <Card>
          {workers.length > 0 && (
            <FilterBar filters={filters.filter(({ choices }) => choices.length)}>
              <Search label="Find a worker" />
            </FilterBar>
          )}
          {rows.length || !workers.length ? (
            <WorkerTable rows={rows} current={open?.worker.key} />
          ) : (
            <EmptyState title="No worker matches" />
          )}
        </Card>
      )}
      {workers.length > 0 && view === "table" && <Activity />}
      {open && (
        <OneWorker
          key={open.worker.id}
          member={open}
          parts={all.filter(({ head }) => head === open)}
          onClose={() => go("/workers")}
        />
      )}
      {params.id && !open && <Gone id={params.id} />}
    </Page>
  );
}

const queuesOf = ({ worker }: Member): string[] =>
  (worker.queues ?? []).map(({ id, name }) => name ?? id);

const namesOf = (names: string[]): [string, string][] =>
  [...new Set(names)].sort().map((name) => [name, name]);

/** What is still known of a worker that is not there any more. */
function Gone({ id }: { id: string }) {
  return (
    <Card>
      <EmptyState title={`No worker ${id}`}>
        It has left, or was silent for longer than its time-out.
      </EmptyState>
      <div class="card-body">
        <TimeLine agent={id} />
        <OrderHistory worker={id} />
      </div>
    </Card>
  );
}

function Numbers({ members }: { members: Member[] }) {
  const agents = members.filter(({ head }) => !head);
  const states = agents.map((agent) => stateOf(agent, now.value));
  const count = (state: WorkerState) => states.filter((one) => one === state).length;
  const online = agents.length - count("lost");
  const cells = agents.flatMap((agent) => agent.cells);
  const held = cells.filter(({ runs }) => runs.length);
  const busy = held.reduce((sum, { usage }) => sum + (usage ?? 0), 0) / (held.length || 1);
  return (
    <div class="kpis">
      {cells.length > 0 && (
        <Kpi
          label="GPUs held"
          value={held.length}
          unit={`of ${cells.length}`}
          note={held.length ? `${Math.round(busy)} % busy on average` : undefined}
        />
      )}
      <Kpi label="Online" value={online} unit={`of ${agents.length}`} />
      <Kpi label="Busy" value={count("busy")} note={`${count("idle")} idle`} />
      <Kpi
        label="Held back"
        value={count("paused") + count("draining") + count("stopping") + count("unfit")}
        note={count("unfit") ? plural(count("unfit"), "unfit worker") : undefined}
        warn={count("unfit") > 0}
      />
      <Kpi
        label="Lost"
        value={count("lost")}
        note={count("lost") ? "silent for 90 s or more" : undefined}
        warn={count("lost") > 0}
      />
    </div>
  );
}

// With an id each is known again, wherever it comes in an answer: what stayed is not drawn anew.

/** How the machines are now, read every few seconds while somebody looks. */
function useLoads(): ReadonlyMap<string, Load> {
  const { data } = useFresh(
    ["loads"],
    async (abort) => {
      const { loads } = await call("workers.get_load", {}, { signal: abort });
      return loads.map(({ worker, load }) => ({ id: worker, load: load as Load }));
    },
    ["workers"],
    { every: 2_000, pulse: PULSE },
  );
  const found = data.value;
  return useMemo(() => new Map((found ?? []).map(({ id, load }) => [id, load])), [found]);
}

/** What runs where now. */
function useRuns(): Run[] {
  const { data } = useFresh(
    ["runs"],
    async (abort) => {
      const { runs } = await call("workers.get_runs", {}, { signal: abort });
      return runs.map((run) => ({ ...run, id: run.task }));
    },
    ["workers", "tasks"],
    { every: 1_000, pulse: PULSE },
  );
  return data.value ?? NONE;
}

const NONE: Run[] = [];
