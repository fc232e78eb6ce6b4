// Why a task is where it is. No I/O.
import type { Task } from "./documents";

/** In one line; what to do about it stands on further lines of the message. */
export function reasonOf(task: Pick<Task, "status_reason" | "status_message">): string {
  const message = task.status_message?.split("\n", 1)[0];
  return [task.status_reason, message].filter(Boolean).join(": ");
}
