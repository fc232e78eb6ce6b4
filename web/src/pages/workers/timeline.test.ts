import { describe, expect, it } from "vitest";
import type { Run } from "./fleet";
import { lanes } from "./timeline";

const run = (worker: string, taken: number, ended: number | null, part = ""): Run => ({
  ...{ worker, task: "t", attempt: 1, name: "n", state: "completed", user: null, status: "" },
  ...{ queue: null, cause: null, taken, started: taken, ended },
  place: part ? { worker: part } : null,
});

describe("the time line of workers", () => {
  it("has a row for each worker, and one more for what runs side by side", () => {
    const found = lanes(
      [run("b", 0, 50), run("a", 0, 50), run("b", 20, 60), run("b", 50, 70)],
      0,
      100,
      100,
    );
    expect(found.map(({ agent, bars }) => [agent, bars.length])).toEqual([
      ["a", 1],
      ["b", 2],
      ["b", 1],
    ]);
  });
  it("has bars as long as runs took, and those that go on until now", () => {
    const [lane] = lanes([run("a", 50, null)], 0, 100, 80);
    expect(lane?.bars[0]).toMatchObject({ left: 50, width: 30 });
  });
  it("has what ran as a worker of its own below its agent, which is there in any case", () => {
    const found = lanes([run("b", 0, 50, "b:gpu1"), run("b", 0, 50, "b:gpu0")], 0, 100, 100);
    expect(found.map(({ part, bars }) => [part, bars.length])).toEqual([
      ["", 0],
      ["b:gpu0", 1],
      ["b:gpu1", 1],
    ]);
  });
  it("has services, which have their tasks' ids in their names, share rows", () => {
    const service = (id: string, from: number) =>
      run("b", from, from + 10, `b:service:${id.repeat(32)}`);
    expect(lanes([service("1", 0), service("2", 20)], 0, 100, 100)[1]).toMatchObject({
      part: "b:service",
      bars: [{}, {}],
    });
  });
  it("leaves out what was over before", () => {
    expect(lanes([run("a", 0, 10)], 50, 100, 100)).toEqual([]);
  });
});
