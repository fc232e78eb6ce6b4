import { expect, it } from "vitest";
import { compareValues, parseSort, sortText } from "./table-state";

it("orders numbers as numbers and names by the numbers in them", () => {
  expect([10, 9, 1].sort((a, b) => compareValues(a, b, false))).toEqual([1, 9, 10]);
  expect(["gpu10", "gpu9"].sort((a, b) => compareValues(a, b, false))).toEqual(["gpu9", "gpu10"]);
});

it("puts what is missing last, whichever way the order goes", () => {
  const values = [undefined, 2, Number.NaN, 1];
  expect([...values].sort((a, b) => compareValues(a, b, true)).slice(0, 2)).toEqual([2, 1]);
  expect([...values].sort((a, b) => compareValues(a, b, false)).slice(0, 2)).toEqual([1, 2]);
});

it("keeps an order in an address", () => {
  const sort = { key: "age", descending: true };
  expect(parseSort(sortText(sort), { key: "name", descending: false })).toEqual(sort);
  expect(parseSort(null, sort)).toEqual(sort);
});
