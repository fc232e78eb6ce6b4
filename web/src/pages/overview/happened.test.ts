import { expect, it } from "vitest";
import type { JournalLine } from "../../api/actions";
import type { Worker } from "../../api/documents";
import { happened } from "./happened";

const NOW = Date.parse("2026-11-03T13:41:00Z");
const line = (
  id: number,
  what: string,
  at: string,
  more: Partial<JournalLine> = {},
): JournalLine => ({
  id,
  at,
  task: { id: `t${id}`, name: `task ${id}` },
  what,
  by: { id: "u", name: "lee" },
  reason: "",
  message: "",
  ...more,
});
const worker = (id: string, joined: string, seen: string): Worker => ({
  id,
  key: id,
  register_time: joined,
  last_activity_time: seen,
});

it("tells the newest first, and no more than asked", () => {
  const lines = [
    line(3, "failed", "2026-11-03T13:00:00Z", { worker: "w", reason: "out of memory" }),
    line(2, "queued", "2026-11-03T12:00:00Z", { queue: "gpu" }),
    line(1, "created", "2026-11-03T10:00:00Z"),
  ];
  const told = happened(lines, [], NOW, 2).map(({ subject, what }) => `${subject} ${what}`);
  expect(told).toEqual(["task 3 failed: out of memory", "task 2 waits in gpu by lee"]);
});

it("does not name who looks at it", () => {
  const [found] = happened([line(1, "created", "2026-11-03T10:00:00Z")], [], NOW, 1, "lee");
  expect(found?.what).toBe("was made");
});

it("tells that a worker went silent when it was seen last", () => {
  const lost = worker("dgx-01", "2026-11-03T09:00:00Z", "2026-11-03T13:00:00Z");
  const [first, second] = happened([], [lost], NOW, 5);
  expect(first?.what).toBe("went silent");
  expect(second?.what).toBe("connected");
});
