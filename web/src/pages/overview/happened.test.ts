import { expect, it } from "vitest";
import type { Task, Worker } from "../../api/documents";
import { happened } from "./happened";

const NOW = Date.parse("2026-11-03T13:41:00Z");
const task = (id: string, status: Task["status"], at: string, more: Partial<Task> = {}): Task => ({
  id,
  name: id,
  status,
  status_changed: at,
  ...more,
});
const worker = (id: string, joined: string, seen: string): Worker => ({
  id,
  key: id,
  register_time: joined,
  last_activity_time: seen,
});

it("tells the newest first, and no more than asked", () => {
  const tasks = [
    task("old", "completed", "2026-11-03T10:00:00Z"),
    task("new", "failed", "2026-11-03T13:00:00Z", { status_reason: "out of memory" }),
    task("middle", "queued", "2026-11-03T12:00:00Z", {
      execution: { queue: { id: "1", name: "gpu" } },
    }),
  ];
  const lines = happened(tasks, [], NOW, 2).map(({ subject, what }) => `${subject} ${what}`);
  expect(lines).toEqual(["new failed: out of memory", "middle waits in gpu"]);
});

it("tells that a worker went silent when it was seen last", () => {
  const lost = worker("dgx-01", "2026-11-03T09:00:00Z", "2026-11-03T13:00:00Z");
  const [first, second] = happened([], [lost], NOW, 5);
  expect(first?.what).toBe("went silent");
  expect(second?.what).toBe("connected");
});

it("leaves out what has no time", () => {
  expect(happened([{ id: "a", name: "a", status: "created" }], [], NOW, 5)).toEqual([]);
});
