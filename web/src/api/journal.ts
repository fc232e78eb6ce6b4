// Lines of the journal of tasks, in words. No I/O.
import type { JournalLine } from "./actions";
import { reasonOf } from "./reason";

/** What is told of by the run that did it: nobody wants to know whose keys its worker has. */
const BY_RUNS = new Set(["running", "completed", "failed"]);

const WORDS: Record<string, string> = {
  draft: "is a draft again",
  created: "was made",
  edited: "was edited",
  queued: "waits",
  running: "started",
  aborted: "was aborted",
  stopping: "was asked to stop",
  published: "was published",
  archived: "was archived",
  restored: "was taken out of the archive",
  deleted: "was deleted",
};

/** What happened, with where: `started on dgx-01`. */
export function whatOf({ what, queue, worker }: JournalLine): string {
  const word = WORDS[what] ?? what;
  if (what === "queued" && queue) return `${word} in ${queue}`;
  return what === "running" && worker ? `${word} on ${worker}` : word;
}

/** Why, or what exactly; empty where `whatOf` says it all. */
export function whyOf(line: JournalLine): string {
  if (line.what === "running" && line.reason === `taken by ${line.worker}`) return "";
  if (line.what === "deleted") return "";
  return reasonOf({ status_reason: line.reason, status_message: line.message });
}

/** Who did it, where that is a person's doing. */
export const whoOf = ({ what, worker, by }: JournalLine): string =>
  worker && BY_RUNS.has(what) ? "" : String(by?.name ?? "");

/** The name of the task, also of one that is gone. */
export const nameOf = ({ task, what, message }: JournalLine): string =>
  String(task.name ?? (what === "deleted" ? message : task.id));
