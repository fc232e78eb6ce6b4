import { call } from "./client";
import type { Task } from "./documents";

/** Tasks whose name or id has the text in it, the latest changed first; all when there is none. */
export async function searchTasks(
  text: string,
  most: number,
  signal: AbortSignal,
): Promise<Task[]> {
  const pattern = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const { tasks } = await call(
    "tasks.get_all_ex",
    {
      ...(text ? { _any_: { pattern: `(?i)${pattern}`, fields: ["name", "id"] } } : {}),
      only_fields: ["id", "name", "status"],
      order_by: ["-last_update"],
      page: 0,
      page_size: most,
    },
    { signal },
  );
  return tasks as Task[];
}
