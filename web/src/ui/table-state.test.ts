import { expect, it } from "vitest";
import { arranged, compareValues, moved, movedTo, parseSort, sortText } from "./table-state";

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

const columns = ["name", "status", "user"].map((key) => ({ key }));
const keys = (order: string[]) => arranged(columns, order).map(({ key }) => key);

it("arranges columns as somebody put them, and those that came later beside their neighbours", () => {
  expect(keys([])).toEqual(["name", "status", "user"]);
  expect(keys(["user", "gone", "name"])).toEqual(["user", "name", "status"]);
});

it("moves a column to another's place, and by steps no further than the ends", () => {
  expect(movedTo(["a", "b", "c"], "a", "c")).toEqual(["b", "c", "a"]);
  expect(movedTo(["a", "b", "c"], "c", "a")).toEqual(["c", "a", "b"]);
  expect(moved(["a", "b", "c"], "b", 5)).toEqual(["a", "c", "b"]);
});
