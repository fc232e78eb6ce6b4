import { describe, expect, it } from "vitest";
import { placed, stepsOf, withTasks } from "./graph";

const described = (nodes: object) => ({
  configuration: { Pipeline: { name: "Pipeline", value: JSON.stringify(nodes) } },
});

describe("the steps of a pipeline", () => {
  const nodes = {
    load: { parents: [], job_id: "t1", status: "completed" },
    train: { parents: ["load"], executed: "t2", status: "running" },
    check: { parents: ["load", "gone"], status: "pending" },
  };
  it("are read as the controller describes them", () => {
    expect(stepsOf(described(nodes))).toEqual([
      { name: "load", parents: [], task: "t1", said: "completed" },
      { name: "train", parents: ["load"], task: "t2", said: "running" },
      { name: "check", parents: ["load"], task: "", said: "pending" },
    ]);
  });
  it("are none where nothing describes them", () => {
    expect(stepsOf({})).toEqual([]);
    const broken = { configuration: { Pipeline: { name: "Pipeline", value: "{" } } };
    expect(stepsOf(broken)).toEqual([]);
  });
  it("have the tasks of their names, and each child is one", () => {
    const children = [
      { id: "t3", name: "check" },
      { id: "t4", name: "started by hand" },
    ];
    const found = withTasks(stepsOf(described(nodes)), children);
    expect(found.map(({ name, task }) => [name, task]).slice(2)).toEqual([
      ["check", "t3"],
      ["started by hand", "t4"],
    ]);
  });
});

describe("where steps stand", () => {
  const step = (name: string, ...parents: string[]) => ({ name, parents, task: "", said: "" });
  const places = (...steps: ReturnType<typeof step>[]) =>
    Object.fromEntries(placed(steps).map((one) => [one.step.name, [one.column, one.row]]));
  it("is right of all they wait for", () => {
    const found = places(step("d", "b", "c"), step("a"), step("b", "a"), step("c", "a"));
    expect(found).toEqual({ a: [0, 0], b: [1, 0], c: [1, 1], d: [2, 0] });
  });
  it("is near what they wait for", () => {
    const found = places(step("a"), step("b"), step("of b", "b"), step("of a", "a"));
    expect(found["of a"]).toEqual([1, 0]);
    expect(found["of b"]).toEqual([1, 1]);
  });
  it("is somewhere even if they wait for each other", () => {
    expect(placed([step("a", "b"), step("b", "a")])).toHaveLength(2);
  });
});
