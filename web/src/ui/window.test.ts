import { expect, it } from "vitest";
import { windowOf } from "./window";

it("draws what is in sight and a few rows around it", () => {
  expect(windowOf(1000, 32, 3200, 320)).toEqual({ first: 92, end: 118, above: 2944, below: 28224 });
});

it("draws all rows of a short list", () => {
  expect(windowOf(5, 32, 0, 600)).toEqual({ first: 0, end: 5, above: 0, below: 0 });
});

it("draws the last rows when the list became shorter than where it was scrolled to", () => {
  const { first, end } = windowOf(10, 32, 90_000, 300);
  expect(first).toBeLessThanOrEqual(end);
  expect(end).toBe(10);
});
