import { describe, expect, it } from "vitest";
import { behind, gapAt, reordered, restoring } from "./order";

const ids = ["a", "b", "c", "d", "e"];

describe("the order of those that wait", () => {
  it("has the moved ones together before the one they were dropped on", () => {
    expect(reordered(ids, new Set(["d", "b"]), 0)).toEqual(["b", "d", "a", "c", "e"]);
    expect(reordered(ids, new Set(["a"]), 5)).toEqual(["b", "c", "d", "e", "a"]);
    expect(reordered(ids, new Set(["b"]), 1)).toEqual(ids);
  });
  it("tells the server who stands behind them", () => {
    expect(behind(ids, new Set(["a"]), 3)).toEqual(["d", "e"]);
    expect(behind(ids, new Set(["a"]), 5)).toEqual([]);
  });
  it("is brought back group by group", () => {
    expect(restoring(ids, new Set(["b", "c", "e"]))).toEqual([
      { tasks: ["b", "c"], before: ["d"] },
      { tasks: ["e"], before: [] },
    ]);
  });
  it("has gaps where a pointer drops", () => {
    expect([gapAt(-5, 32, 3), gapAt(20, 32, 3), gapAt(500, 32, 3)]).toEqual([0, 1, 3]);
  });
});
