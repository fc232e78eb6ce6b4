// What can be done with tasks, one or many: when, how, and the command that does the same.
import { call } from "../../api/client";
import type { Task, TaskStatus } from "../../api/documents";
import type { IconName } from "../../ui/icons";
import { duration, plural, secondsSince } from "../../ui/format";
import { statusWord } from "../../ui/Pill";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";
import { TASK_FIELDS } from "./fields";

/** What the server tells of each of many tasks. */
export interface Outcome {
  succeeded: unknown[];
  failed: { id?: string; error?: { msg?: string; data?: { current_status?: string } } }[];
}

export interface Deed {
  key: string;
  word: string;
  /** Said when it was done: `aborted`. */
  done: string;
  icon: IconName;
  danger?: boolean;
  /** Whether it makes sense for a task of this status; `archived` of those out of sight. */
  fits: (status: TaskStatus, archived: boolean) => boolean;
  /** Why it cannot be done with a task that does not fit. */
  otherwise: string;
  /** Asked first: what will happen. */
  ask?: (count: string) => string;
  run: (ids: string[]) => Promise<Outcome>;
  command: (ids: string[]) => string;
}

const among =
  (...statuses: TaskStatus[]) =>
  (status: TaskStatus, archived: boolean) =>
    !archived && statuses.includes(status);

const named = (verb: string) => (ids: string[]) => `taskyard ${verb} ${ids.join(" ")}`;

export const ABORT: Deed = {
  key: "abort",
  word: "Abort",
  done: "aborted",
  icon: "stop",
  danger: true,
  fits: among("in_progress", "queued"),
  otherwise: "Only what runs or waits is aborted",
  ask: (count) => `${count} will get a signal to end, and is killed after a grace time.`,
  run: (ids) => call("tasks.stop_many", { ids }),
  command: named("abort"),
};

export const DEQUEUE: Deed = {
  key: "dequeue",
  word: "Take off the queue",
  done: "taken off the queue",
  icon: "out",
  fits: among("queued"),
  otherwise: "It waits on no queue",
  run: (ids) => call("tasks.dequeue_many", { ids }),
  command: named("dequeue"),
};

export const RESET: Deed = {
  key: "reset",
  word: "Reset",
  done: "reset",
  icon: "retry",
  danger: true,
  fits: among("completed", "failed", "stopped", "closed", "queued"),
  otherwise: "Only what has ended is reset",
  ask: (count) => `${count} will be a draft again, without its console, metrics and results.`,
  run: (ids) => call("tasks.reset_many", { ids }),
  command: named("reset"),
};

export const PUBLISH: Deed = {
  key: "publish",
  word: "Publish",
  done: "published",
  icon: "key",
  fits: among("completed", "failed", "stopped", "closed"),
  otherwise: "Only what has ended is published",
  ask: (count) => `${count} will be read-only for everybody.`,
  run: (ids) => call("tasks.publish_many", { ids }),
  command: named("publish"),
};

export const ARCHIVE: Deed = {
  key: "archive",
  word: "Archive",
  done: "archived",
  icon: "download",
  fits: (status, archived) => !archived && status !== "in_progress",
  otherwise: "It runs, or is in the archive",
  run: (ids) => call("tasks.archive_many", { ids }),
  command: named("archive"),
};

export const RESTORE: Deed = {
  key: "restore",
  word: "Restore from the archive",
  done: "restored",
  icon: "retry",
  fits: (_status, archived) => archived,
  otherwise: "It is not in the archive",
  run: (ids) => call("tasks.unarchive_many", { ids }),
  command: named("restore"),
};

export const DELETE: Deed = {
  key: "delete",
  word: "Delete",
  done: "deleted",
  icon: "cross",
  danger: true,
  fits: (status) => status !== "in_progress" && status !== "published",
  otherwise: "Abort it first; what is published stays",
  ask: (count) => `${count} will be gone, with its console, metrics, plots and images.`,
  run: (ids) => call("tasks.delete_many", { ids, force: true }),
  command: (ids) => `taskyard delete ${ids.join(" ")} -y`,
};

/** In the order of menus. */
export const DEEDS: readonly Deed[] = [ABORT, DEQUEUE, RESET, PUBLISH, ARCHIVE, RESTORE, DELETE];

export const isArchived = (task: Pick<Task, "system_tags">): boolean =>
  !!task.system_tags?.includes("archived");

export const fits = (deed: Deed, task: Task): boolean => deed.fits(task.status, isArchived(task));

/** Whether a task can be put on a queue: a draft, or what ended without success. */
export const canEnqueue = (task: Task): boolean =>
  !isArchived(task) && ["created", "stopped", "failed"].includes(task.status);

/** Do it with those tasks that it fits, and say how it went. */
export async function perform(deed: Deed, tasks: Task[]): Promise<void> {
  const ids = tasks.filter((task) => fits(deed, task)).map(({ id }) => id);
  await tried(async () => tell(deed.done, await deed.run(ids)));
}

/** Put tasks on a queue; those that waited before keep their place there. */
export async function enqueue(ids: string[], queue: string, top: boolean): Promise<void> {
  await tried(async () => {
    const outcome = (await call("tasks.enqueue_many", {
      ids,
      queue,
      verify_watched_queue: true,
    })) as Outcome & { queue_watched?: boolean };
    if (top)
      for (const id of [...ids].reverse())
        await call("queues.move_task_to_front", { queue, task: id });
    tell("enqueued", outcome);
    if (outcome.queue_watched === false)
      toast("No worker serves this queue", { hint: "The task waits until one does." });
  });
}

function tell(done: string, { succeeded, failed }: Outcome): void {
  if (succeeded.length) toast(`${plural(succeeded.length, "task")} ${done}`);
  const first = failed[0];
  if (!first) return;
  const hint = first.error?.msg ?? "";
  // Somebody was faster: it says how the task stands now. The page shows what can be done with it.
  if (failed.length === 1 && first.id && first.error?.data?.current_status)
    void standing(first.id).then((words) => toast(words, { tone: "bad", hint }));
  else toast(`${plural(failed.length, "task")} not ${done}`, { tone: "bad", hint });
}

/** How a task stands now, in one sentence: `bert is already running on dgx-01, for 2s`. */
async function standing(id: string): Promise<string> {
  const ask = { id: [id], only_fields: TASK_FIELDS, search_hidden: true };
  const [task] = (await call("tasks.get_all_ex", ask)).tasks as Task[];
  if (!task) return "The task is gone";
  const place = {
    queued: task.execution?.queue?.name && ` in ${task.execution.queue.name}`,
    in_progress: task.last_worker && ` on ${task.last_worker}`,
  }[task.status as string];
  const since = duration(Math.max(0, secondsSince(task.status_changed)));
  return `${task.name} is already ${statusWord(task.status).toLowerCase()}${place ?? ""}, for ${since}`;
}
