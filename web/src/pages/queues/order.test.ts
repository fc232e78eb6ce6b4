import { expect, test } from "vitest";
import { aimAt, gapAt, inOrder, partFor, reordered, spread, type Row } from "./order";

const ids = ["a", "b", "c", "d", "e"];
const row = (id: string, position: number): Row => ({
  id,
  name: id,
  user: null,
  added: "2026-01-01",
  priority: 0,
  position,
  why: "",
  hint: "",
});

test("moved ones come together, in their order, before the one they were dropped on", () => {
  expect(reordered(ids, new Set(["d", "b"]), 0)).toEqual(["b", "d", "a", "c", "e"]);
  expect(reordered(ids, new Set(["a"]), 5)).toEqual(["b", "c", "d", "e", "a"]);
  expect(reordered(ids, new Set(["b"]), 2)).toEqual(ids);
});

test("a move aims ahead of those that come next, whoever else is moved", () => {
  expect(aimAt(ids, new Set(["b", "d"]), 3)).toEqual({ before: ["e"], ahead: 2 });
  expect(aimAt(["a", "b", "#2", "d"], new Set(["a"]), 2)).toEqual({ before: ["d"], ahead: 1 });
});

test("the front and the end are aimed at as such", () => {
  expect(aimAt(ids, new Set(["d"]), 0)).toEqual({ before: [], ahead: 0 });
  expect(aimAt(ids, new Set(["b"]), 5)).toEqual({ before: [] });
});

test("a part has what is seen and stays the same for a while", () => {
  expect(partFor(0, 40)).toEqual({ first: 0, limit: 120 });
  expect(partFor(130, 170)).toEqual({ first: 60, limit: 180 });
  expect(partFor(130, 170)).toEqual(partFor(179, 179));
});

test("rows that were not read stand in their places", () => {
  const rows = spread(1, [row("x", 2)], 3);
  expect(rows.map(({ id }) => id)).toEqual(["#0", "x", "#2"]);
  expect(rows[2]?.position).toBe(3);
});

test("rows in another order have other places; one that left is not among them", () => {
  const rows = [row("a", 1), row("b", 2)];
  expect(inOrder(rows, ["b", "gone", "a"]).map(({ id }) => id)).toEqual(["b", "a"]);
  expect(inOrder(rows, ["a", "b"])[0]).toBe(rows[0]);
});

test("rows stay as they are when another part was read than the one that was put in order", () => {
  const rows = spread(2, [row("c", 3)], 3);
  expect(inOrder(rows, ["b", "a", "#2"])).toBe(rows);
});

test("a drop falls into the nearest gap, and not outside", () => {
  expect(gapAt(47, 32, 5)).toBe(1);
  expect(gapAt(49, 32, 5)).toBe(2);
  expect(gapAt(-20, 32, 5)).toBe(0);
  expect(gapAt(900, 32, 5)).toBe(5);
});
