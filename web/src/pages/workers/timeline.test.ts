import { describe, expect, it } from "vitest";
import { lanes, type Run } from "./timeline";

const run = (worker: string, taken: number, ended: number | null): Run => ({
  ...{ worker, task: "t", attempt: 1, name: "n", state: "completed" },
  ...{ taken, started: taken, ended },
});

describe("the time line of workers", () => {
  it("has a row for each worker, and one more for what runs side by side", () => {
    const found = lanes(
      [run("b", 0, 50), run("a", 0, 50), run("b", 20, 60), run("b", 50, 70)],
      0,
      100,
      100,
    );
    expect(found.map(({ worker, bars }) => [worker, bars.length])).toEqual([
      ["a", 1],
      ["b", 2],
      ["b", 1],
    ]);
  });
  it("has bars as long as runs took, and those that go on until now", () => {
    const [lane] = lanes([run("a", 50, null)], 0, 100, 80);
    expect(lane?.bars[0]).toMatchObject({ left: 50, width: 30 });
  });
  it("leaves out what was over before", () => {
    expect(lanes([run("a", 0, 10)], 50, 100, 100)).toEqual([]);
  });
});
