import { expect, it } from "vitest";
import { keepSame, touches } from "./store";

it("is touched by one thing of a group, and by the very thing", () => {
  expect(touches(["tasks"], ["task:1"])).toBe(true);
  expect(touches(["task:1"], ["task:2", "task:1"])).toBe(true);
  expect(touches(["task:1"], ["task:12", "queues"])).toBe(false);
  expect(touches(["queues"], ["queue:a"])).toBe(true);
});

it("keeps the rows that did not change, wherever they moved", () => {
  const before = [
    { id: "a", n: { x: 1 } },
    { id: "b", n: { x: 2 } },
  ];
  const after = keepSame(before, [
    { id: "b", n: { x: 2 } },
    { id: "a", n: { x: 3 } },
  ]);
  expect(after[0]).toBe(before[1]);
  expect(after[1]).toEqual({ id: "a", n: { x: 3 } });
});

it("keeps the whole when nothing changed", () => {
  const before = { list: [{ id: "a" }], n: 1 };
  expect(keepSame(before, { list: [{ id: "a" }], n: 1 })).toBe(before);
});

it("sees that a field went away", () => {
  expect(keepSame({ a: 1, b: 2 }, { a: 1 } as object)).toEqual({ a: 1 });
});
