import { describe, expect, it } from "vitest";
import type { Attempt } from "../../api/documents";
import { stepsOf, widths } from "./phases";

const attempt: Attempt = {
  task: "t",
  attempt: 1,
  worker: "w",
  state: "running",
  phases: [
    { name: "source", started: 100, ended: 100.5 },
    { name: "launch", started: 100.5 },
  ],
};

describe("the steps of an attempt", () => {
  it("end with the attempt, whoever did not tell", () => {
    const lost = { ...attempt, state: "lost", ended: "1970-01-01T00:02:00+00:00" };
    expect(stepsOf(lost, null, 900_000).at(-1)).toMatchObject({ seconds: 19.5, open: false });
  });

  it("begin with the wait and end with what goes on", () => {
    const steps = stepsOf(attempt, 12, 160_500);
    expect(steps.map(({ word, seconds, open }) => [word, seconds, open])).toEqual([
      ["Waiting", 12, false],
      ["Code", 0.5, false],
      ["Running", 60, true],
    ]);
  });
  it("all can be seen, and fill the bar", () => {
    const shares = widths(stepsOf(attempt, 100_000, 160_500));
    expect(Math.min(...shares)).toBeGreaterThan(5);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100);
  });
});
