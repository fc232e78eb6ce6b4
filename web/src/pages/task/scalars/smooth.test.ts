import { describe, expect, it } from "vitest";
import { align, smooth } from "./smooth";

describe("a smoothed curve", () => {
  it("is the curve itself without weight", () => {
    expect(smooth([1, 2, 3], 0)).toEqual([1, 2, 3]);
  });
  it("stays where the curve does, from the first point on", () => {
    for (const value of smooth([5, 5, 5], 0.9)) expect(value).toBeCloseTo(5);
  });
  it("keeps gaps", () => {
    expect(smooth([1, null, 1], 0.5)[1]).toBeNull();
  });
});

describe("curves over one x", () => {
  it("have gaps where they have no points", () => {
    const curve = (name: string, x: number[]) => ({ name, x, y: x, low: x, high: x });
    const found = align([curve("a", [0, 2]), curve("b", [1, 2])]);
    expect(found.x).toEqual([0, 1, 2]);
    expect(found.series.map(({ values }) => values)).toEqual([
      [0, null, 2],
      [null, 1, 2],
    ]);
  });
});
