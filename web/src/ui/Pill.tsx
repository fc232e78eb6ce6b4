// A state: always a word and a sign, as colour alone tells some people nothing.
import "./Pill.css";
import type { ComponentChildren } from "preact";
import type { TaskStatus, Worker } from "../api/documents";

export type Tone =
  | "draft"
  | "queued"
  | "preparing"
  | "running"
  | "completed"
  | "failed"
  | "aborted"
  | "lost"
  | "published";

const SIGNS: Record<string, ComponentChildren> = {
  draft: <circle cx="6" cy="6" r="4.2" stroke-dasharray="2 1.6" />,
  queued: <path d="M3 1h6M3 11h6M4 1c0 3 4 3 4 5s-4 2-4 5M8 1c0 3-4 3-4 5s4 2 4 5" />,
  preparing: <path class="turns" d="M6 1.5a4.5 4.5 0 1 1-4.5 4.5" />,
  running: <path class="pulses" d="M3.5 2l6 4-6 4z" fill="currentColor" />,
  completed: <path d="M2 6.4l2.7 2.7L10 3.4" />,
  failed: <path d="M2.5 2.5l7 7M9.5 2.5l-7 7" />,
  aborted: <rect x="3" y="3" width="6" height="6" fill="currentColor" />,
  lost: <path d="M6 1.2l5 9.3H1zM6 5v2.2M6 9h.01" />,
  published: <path d="M2.5 5.5h7v5h-7zM4 5.5V4a2 2 0 0 1 4 0v1.5" />,
  idle: <circle cx="6" cy="6" r="4" />,
  paused: <path d="M4 2.5v7M8 2.5v7" stroke-width="2.2" />,
};

interface PillProps {
  tone: Tone;
  /** Another sign than the tone's own. */
  sign?: keyof typeof SIGNS;
  title?: string;
  children: ComponentChildren;
}

export function Pill({ tone, sign = tone, title, children }: PillProps) {
  return (
    <span class={`pill p-${tone}`} data-tip={title}>
      <svg
        viewBox="0 0 12 12"
        aria-hidden="true"
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      >
        {SIGNS[sign]}
      </svg>
      {children}
    </span>
  );
}

const TASK: Record<TaskStatus, [Tone, string]> = {
  created: ["draft", "Draft"],
  queued: ["queued", "Queued"],
  in_progress: ["running", "Running"],
  stopped: ["aborted", "Aborted"],
  failed: ["failed", "Failed"],
  completed: ["completed", "Completed"],
  closed: ["completed", "Closed"],
  publishing: ["published", "Publishing"],
  published: ["published", "Published"],
  unknown: ["lost", "Unknown"],
};

/** How a task's status is called everywhere: `in_progress` is Running. */
export const statusWord = (status: TaskStatus): string => TASK[status]?.[1] ?? status;

/** A task's status; `preparing` when its attempt still makes its environment. */
export function StatusPill(props: { status: TaskStatus; preparing?: boolean; title?: string }) {
  if (props.status === "in_progress" && props.preparing)
    return <Pill tone="preparing">Preparing</Pill>;
  const [tone, word] = TASK[props.status] ?? ["lost", props.status];
  return (
    <Pill tone={tone} title={props.title}>
      {word}
    </Pill>
  );
}

/** After how many seconds of silence a worker counts as lost. */
export const SILENT_AFTER = 90;

/** Whether a worker that was last seen then (ISO 8601) counts as lost, at a time in milliseconds. */
export const isSilent = (seen: string | undefined, at: number): boolean =>
  at - (seen ? Date.parse(seen) : 0) > SILENT_AFTER * 1000;

export type WorkerState = "busy" | "idle" | "paused" | "draining" | "stopping" | "unfit" | "lost";

const TOLD = { pause: "paused", drain: "draining", stop: "stopping" } as const;

/** What a worker does, at a time in milliseconds. */
export function workerState(worker: Worker, at: number): WorkerState {
  if (isSilent(worker.last_activity_time, at)) return "lost";
  const told = worker.order && TOLD[worker.order.kind];
  if (told) return told;
  if (worker.task) return "busy";
  return worker.unfit ? "unfit" : "idle";
}

const WORKER: Record<WorkerState, [Tone, keyof typeof SIGNS, string]> = {
  busy: ["running", "running", "Busy"],
  idle: ["completed", "idle", "Idle"],
  paused: ["aborted", "paused", "Paused"],
  draining: ["queued", "queued", "Draining"],
  stopping: ["queued", "aborted", "Stopping"],
  unfit: ["lost", "lost", "Unfit"],
  lost: ["lost", "lost", "Lost"],
};

export const workerWord = (state: WorkerState): string => WORKER[state][2];

export function WorkerPill({ state, title }: { state: WorkerState; title?: string | undefined }) {
  const [tone, sign, word] = WORKER[state];
  return (
    <Pill tone={tone} sign={sign} title={title}>
      {word}
    </Pill>
  );
}
