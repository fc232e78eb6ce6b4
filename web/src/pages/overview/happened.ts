// What happened lately, from how things stand now. No I/O.
import type { Task, Worker } from "../../api/documents";
import { SILENT_AFTER, statusWord } from "../../ui/Pill";
import { reasonOf } from "../../api/reason";

export interface Happened {
  key: string;
  /** Milliseconds since the epoch. */
  at: number;
  subject: string;
  to: string;
  what: string;
}

const WORDS: Partial<Record<Task["status"], string>> = {
  created: "is a draft",
  queued: "waits",
  in_progress: "started",
  completed: "completed",
  failed: "failed",
  stopped: "was aborted",
  published: "was published",
};

/** The latest `most` of what happened to tasks and workers, newest first. */
export function happened(tasks: Task[], workers: Worker[], now: number, most: number): Happened[] {
  return [...tasks.map(ofTask), ...workers.flatMap((worker) => ofWorker(worker, now))]
    .filter(({ at }) => !Number.isNaN(at))
    .sort((a, b) => b.at - a.at)
    .slice(0, most);
}

function ofTask(task: Task): Happened {
  const at = Date.parse(task.status_changed ?? task.created ?? "");
  const what = WORDS[task.status] ?? `is ${statusWord(task.status).toLowerCase()}`;
  return {
    key: `${task.id} ${at}`,
    at,
    subject: task.name || task.id,
    to: `/tasks/${task.id}`,
    what: `${what}${detail(task)}`,
  };
}

function detail(task: Task): string {
  const queue = task.execution?.queue?.name;
  if (task.status === "queued" && queue) return ` in ${queue}`;
  if (task.status === "in_progress" && task.last_worker) return ` on ${task.last_worker}`;
  const reason = reasonOf(task);
  return ["failed", "stopped"].includes(task.status) && reason ? `: ${reason}` : "";
}

function ofWorker(worker: Worker, now: number): Happened[] {
  const to = `/workers/${encodeURIComponent(worker.id)}`;
  const base = { subject: worker.id, to };
  const seen = Date.parse(worker.last_activity_time ?? "");
  const found: Happened[] = [
    {
      ...base,
      key: `${worker.key} joined`,
      at: Date.parse(worker.register_time ?? ""),
      what: "connected",
    },
  ];
  if (now - seen > SILENT_AFTER * 1000)
    found.push({ ...base, key: `${worker.key} lost`, at: seen, what: "went silent" });
  return found;
}
