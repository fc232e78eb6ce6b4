import { expect, it } from "vitest";
import { aligned } from "./aligned";

it("draws curves of different steps over one axis", () => {
  const { x, values } = aligned([
    { x: [0, 2, 4], y: [0, 20, 40] },
    { x: [1, 2], y: [5, 6] },
  ]);
  expect(x).toEqual([0, 1, 2, 4]);
  expect(values).toEqual([
    [0, 10, 20, 40],
    [null, 5, 6, null],
  ]);
});

it("leaves out a task without the metric", () => {
  expect(aligned([undefined, { x: [1], y: [2] }])).toEqual({ x: [1], values: [[null], [2]] });
});
