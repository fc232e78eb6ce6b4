import "./workers.css";
import { call } from "../../api/client";
import type { Worker } from "../../api/documents";
import { useFresh, useLive } from "../../live/store";
import type { PageProps } from "../../page-props";
import { go, query, setQuery } from "../../router";
import { Page } from "../../shell";
import { type Filter, FilterBar, Search, chosen } from "../../ui/FilterBar";
import { now, plural } from "../../ui/format";
import { type WorkerState, workerState, workerWord } from "../../ui/Pill";
import { Card, EmptyState, Kpi, Segmented, Skeleton } from "../../ui/parts";
import { Activity } from "../overview/Activity";
import { GpuMap } from "./GpuMap";
import type { Load } from "./loads";
import { OneWorker } from "./OneWorker";
import { TimeLine } from "./TimeLine";
import { WorkerTable } from "./WorkerTable";

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
  const view = query.value.get("view") === "timeline" ? "timeline" : "table";
  if (!workers)
    return (
      <Page title="Workers">
        <Skeleton />
      </Page>
    );
  const text = (query.value.get("q") ?? "").toLowerCase();
  const states = chosen("status");
  const rows = workers
    .filter((worker) => worker.id.toLowerCase().includes(text))
    .filter((worker) => !states.length || states.includes(workerState(worker, now.value)))
    .map((worker) => ({ ...worker, load: loads.get(worker.id) }));
  const open = workers.find(({ id }) => id === params.id);
  const filters: Filter[] = [
    { key: "status", word: "Status", choices: STATES.map((one) => [one, workerWord(one)]) },
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
      {workers.length > 0 && <Numbers workers={workers} />}
      <GpuMap workers={workers} loads={loads} />
      {view === "timeline" ? (
        <TimeLine />
      ) : (
        <Card>
          {workers.length > 0 && (
            <FilterBar filters={filters}>
              <Search label="Find a worker" />
            </FilterBar>
          )}
          {rows.length || !workers.length ? (
            <WorkerTable rows={rows} current={open?.key} />
          ) : (
            <EmptyState title="No worker matches" />
          )}
        </Card>
      )}
      {workers.length > 0 && view === "table" && <Activity />}
      {open && <OneWorker key={open.id} worker={open} onClose={() => go("/workers")} />}
      {params.id && !open && (
        <EmptyState title={`No worker ${params.id}`}>
          It has left, or was silent for longer than its time-out.
        </EmptyState>
      )}
    </Page>
  );
}

function Numbers({ workers }: { workers: Worker[] }) {
  const states = workers.map((worker) => workerState(worker, now.value));
  const count = (state: WorkerState) => states.filter((one) => one === state).length;
  const online = workers.length - count("lost");
  return (
    <div class="kpis">
      <Kpi label="Online" value={online} unit={`of ${workers.length}`} />
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

/** How the machines are now, read every few seconds while somebody looks. */
function useLoads(): Map<string, Load> {
  const { data } = useFresh(
    ["loads"],
    async (abort) => (await call("workers.get_load", {}, { signal: abort })).loads,
    ["workers"],
    { every: 2_000, pulse: PULSE },
  );
  return new Map((data.value ?? []).map(({ worker, load }) => [worker, load as Load]));
}
