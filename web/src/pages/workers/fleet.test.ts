import { expect, test } from "vitest";
import type { Worker } from "../../api/documents";
import { agentOf, colourOf, isHeldIdle, members, paintOf, type Run, wordsOf } from "./fleet";

const gpus = [0, 1, 2].map((n) => ({ id: `GPU-${n}`, index: n + 4, name: "H100", memory: 80_000 }));
const worker = (id: string, more: Partial<Worker> = {}): Worker => ({
  id,
  key: `k-${id}`,
  ...more,
});
const box = worker("box", { resources: { host: "box", cpus: 8, gpus } });
const run = (task: string, place: Run["place"], more: Partial<Run> = {}): Run => ({
  ...{ worker: "box", task, attempt: 1, name: task, user: "maya", status: "in_progress" },
  ...{ state: "running", queue: "q", cause: null, taken: 0, started: 0, ended: null, place },
  ...more,
});
const held = (runs: Run[], loads = {}) =>
  members([box], new Map(Object.entries(loads)), runs)[0]?.cells ?? [];

test("a GPU has the tasks whose places name it", () => {
  const cells = held([
    run("a", { worker: "box:gpu4", gpus: ["GPU-0"] }),
    run("b", { gpus: ["GPU-2"] }),
  ]);
  expect(cells.map(({ runs }) => runs.map(({ task }) => task))).toEqual([["a"], [], ["b"]]);
});

test("tasks that share a GPU have it together", () => {
  const half = { gpus: ["GPU-1"], share: 5000 };
  const [, cell] = held([run("a", half), run("b", half, { user: "lee" })]);
  expect(cell && paintOf(cell, "task").names).toEqual(["a", "b"]);
  expect(cell && wordsOf(cell).slice(-2)).toEqual(["a (50 %), maya", "b (50 %), lee"]);
});

test("a task without a place has all GPUs, one that was just taken none yet", () => {
  expect(held([run("a", null)]).every(({ runs }) => runs.length === 1)).toBe(true);
  expect(held([run("a", null, { state: "leased" })]).some(({ runs }) => runs.length)).toBe(false);
});

test("a service without GPUs of its own holds none", () => {
  expect(held([run("a", { worker: "box:service:a" })]).some(({ runs }) => runs.length)).toBe(false);
});

test("a GPU that is held and does nothing is told apart from one that nobody has", () => {
  const loads = { box: { gpu_usage: { "1": 80 } } };
  const cells = held([run("a", { gpus: ["GPU-0"] }), run("b", { gpus: ["GPU-1"] })], loads);
  expect(cells.map(isHeldIdle)).toEqual([true, false, false]);
});

test("a run that is a worker of its own follows its agent, with its GPUs", () => {
  const own = run("a", { worker: "box:gpu5", gpus: ["GPU-1"] });
  const other = worker("abc");
  const found = members([other, worker("box:gpu5"), box], new Map(), [own]);
  expect(found.map((one) => [one.worker.id, agentOf(one).id])).toEqual([
    ["abc", "abc"],
    ["box", "box"],
    ["box:gpu5", "box"],
  ]);
  expect(found[2]?.cells.map(({ gpu }) => gpu.id)).toEqual(["GPU-1"]);
});

test("a worker of which nothing changed stays the same object", () => {
  const loads = new Map([["box", { gpu_usage: { "0": 1 } }]]);
  const runs = [run("a", { gpus: ["GPU-0"] })];
  const first = members([box], loads, runs);
  const known = new Map(first.map((member) => [member.worker.key, member]));
  expect(members([box], loads, [...runs], known)[0]).toBe(first[0]);
  expect(members([box], new Map(), runs, known)[0]).not.toBe(first[0]);
  expect(members([box], loads, [], known)[0]).not.toBe(first[0]);
});

test("the GPUs of an agent that tells only loads are those that it reports", () => {
  const loads = new Map([["other", { gpu_usage: { "0": 5, "1": 7 } }]]);
  const [found] = members([worker("other")], loads, []);
  expect(found?.cells.map(({ usage }) => usage)).toEqual([5, 7]);
});

test("a map shows use, memory, tasks or users", () => {
  const loads = {
    box: { gpu_usage: { "0": 60 }, gpu_memory_used: { "0": 3 }, gpu_memory_free: { "0": 1 } },
  };
  const [cell, free] = held([run("a", { gpus: ["GPU-0"] })], loads);
  expect(cell && [paintOf(cell, "usage").level, paintOf(cell, "memory").level]).toEqual([60, 75]);
  expect(cell && paintOf(cell, "user")).toEqual({ level: null, names: ["maya"] });
  expect(free && paintOf(free, "task")).toEqual({ level: 0, names: [] });
});

test("a name has one of eight colours, always the same", () => {
  expect(colourOf("maya")).toBe(colourOf("maya"));
  expect(new Set(Array.from({ length: 100 }, (_, n) => colourOf(`task ${n}`))).size).toBe(8);
});
