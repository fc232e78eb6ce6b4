import { expect, it } from "vitest";
import type { Task } from "../../api/documents";
import { metricsOf, rowsOf } from "./differences";

const task = (id: string, more: Partial<Task>): Task => ({
  id,
  name: id,
  status: "created",
  ...more,
});
const args = (values: Record<string, string>): Partial<Task> => ({
  hyperparams: {
    Args: Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { section: "Args", name, value }]),
    ),
  },
});

it("puts parameters side by side and says which differ", () => {
  const rows = rowsOf([
    task("a", args({ lr: "0.1", seed: "1" })),
    task("b", args({ lr: "0.2", seed: "1" })),
  ]);
  expect(rows.map(({ name, values, differs }) => [name, values, differs])).toEqual([
    ["lr", ["0.1", "0.2"], true],
    ["seed", ["1", "1"], false],
  ]);
});

it("counts a value that only one task has as a difference", () => {
  const [row] = rowsOf([task("a", args({ lr: "0.1" })), task("b", {})]);
  expect(row).toMatchObject({ values: ["0.1", undefined], differs: true });
});

it("shows parameters before code", () => {
  const rows = rowsOf([task("a", { ...args({ z: "1" }), script: { repository: "r" } })]);
  expect(rows.map(({ section }) => section)).toEqual(["Parameters · Args", "Code"]);
});

it("puts the last values side by side", () => {
  const loss = { metric: "loss", variant: "train", value: 0.5 };
  expect(metricsOf([task("a", { last_metrics: { x: { y: loss } } }), task("b", {})])).toEqual([
    { name: "loss / train", values: [0.5, undefined] },
  ]);
});
