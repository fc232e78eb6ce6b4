/** What lists read of a task: all that tables show, and no more. */
export const TASK_FIELDS = [
  "id",
  "name",
  "type",
  "status",
  "status_reason",
  "status_message",
  "created",
  "started",
  "completed",
  "last_update",
  "last_worker",
  "last_iteration",
  "tags",
  "project.name",
  "execution.queue.name",
  "user.name",
];
