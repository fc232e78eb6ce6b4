// Every GPU as a cell: how busy it is or who has it, by host.
import { memo } from "preact/compat";
import { query, setQuery } from "../../router";
import { A, Card, Segmented } from "../../ui/parts";
import { colourOf, isHeldIdle, type Member, type Mode } from "./fleet";
import { GpuStrip } from "./GpuStrip";
import { pathOf } from "./WorkerTable";

const MODES = [
  ["usage", "Utilisation"],
  ["memory", "Memory"],
  ["task", "Task"],
  ["user", "User"],
] as const;

export function GpuMap({ members }: { members: Member[] }) {
  const agents = members.filter(({ head, cells }) => !head && cells.length);
  if (!agents.length) return null;
  const mode = MODES.find(([key]) => key === query.value.get("gpus"))?.[0] ?? "usage";
  const hosts = new Map<string, Member[]>();
  for (const agent of agents) {
    const host = agent.worker.resources?.host ?? agent.worker.id;
    hosts.set(host, [...(hosts.get(host) ?? []), agent]);
  }
  const cells = agents.flatMap((agent) => agent.cells);
  const held = cells.filter(({ runs }) => runs.length).length;
  const idle = cells.filter(isHeldIdle).length;
  return (
    <Card
      class="gpu-card"
      title="GPUs"
      note={`${held} of ${cells.length} held${idle ? `, ${idle} of them idle` : ""}`}
      actions={
        <Segmented
          label="What the colours show"
          choices={MODES}
          chosen={mode}
          onChoose={(choice) => setQuery({ gpus: choice === "usage" ? null : choice })}
        />
      }
    >
      <div class="gpu-map card-body">
        {[...hosts].map(([host, on]) => (
          <div key={host} class="gpu-host">
            {on.map((agent) => (
              <Agent key={agent.worker.key} agent={agent} mode={mode} />
            ))}
            <small class="muted">{host}</small>
          </div>
        ))}
      </div>
      <Legend members={agents} mode={mode} />
    </Card>
  );
}

interface AgentProps {
  agent: Member;
  mode: Mode;
}

/** An agent's GPUs; drawn again only when something about it is another. */
const Agent = memo(
  ({ agent, mode }: AgentProps) => (
    <A to={pathOf(agent.worker)} aria-label={`GPUs of ${agent.worker.id}`}>
      <GpuStrip cells={agent.cells} mode={mode} />
    </A>
  ),
  (a, b) => a.agent.cells === b.agent.cells && a.mode === b.mode,
);

/** The most names that are told with their colours. */
const NAMED = 16;

function Legend({ members, mode }: { members: Member[]; mode: Mode }) {
  if (mode === "usage" || mode === "memory")
    return (
      <div class="gpu-legend muted">
        0 %
        <span class="gpu-strip">
          {[0, 1, 2, 3, 4, 5].map((step) => (
            <i key={step} class={`gpu h${step}`} />
          ))}
        </span>
        100 %
        <i class="gpu h0 held" /> held, but idle
        <i class="gpu unknown" /> not reported
      </div>
    );
  const names = new Map(
    members.flatMap(({ runs }) =>
      runs.map((run) => (mode === "task" ? [run.task, run.name] : [run.user ?? "", run.user])),
    ) as [string, string | null][],
  );
  return (
    <div class="gpu-legend muted">
      {[...names].slice(0, NAMED).map(([key, name]) => (
        <span key={key}>
          <i class="gpu" style={{ background: `var(--c${colourOf(key)})` }} /> {name || "somebody"}
        </span>
      ))}
      {names.size > NAMED && `and ${names.size - NAMED} more`}
      {!names.size && "Nobody has a GPU now."}
    </div>
  );
}
