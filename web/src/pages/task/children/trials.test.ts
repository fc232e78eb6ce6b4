import { describe, expect, it } from "vitest";
import type { Task } from "../../../api/documents";
import { axisOf, bestOf, objectiveOf, valueOf, varying } from "./trials";

const trial = (id: string, lr: string, loss?: number): Task => ({
  id,
  name: id,
  status: "completed",
  hyperparams: {
    Args: {
      lr: { section: "Args", name: "lr", value: lr },
      seed: { section: "Args", name: "seed", value: "1" },
    },
  },
  last_metrics:
    loss === undefined
      ? {}
      : { m: { v: { metric: "loss", variant: "test", value: loss, min_value: loss - 1 } } },
});

const option = (name: string, value: string) => ({
  [`opt/${name}`]: { section: "General", name: `opt/${name}`, value },
});

describe("what a search is after", () => {
  it("is read as the optimizer keeps it, whether in a list or not", () => {
    const General = {
      ...option("objective_metric_title", "['loss']"),
      ...option("objective_metric_series", "test"),
      ...option("objective_metric_sign", '["min_global"]'),
    };
    const wanted = { metric: "loss", variant: "test", most: false, ever: true };
    expect(objectiveOf({ hyperparams: { General } })).toEqual(wanted);
    expect(objectiveOf({})).toBeNull();
  });
  it("gives each trial its value, the last one or the best that ever was", () => {
    const after = { metric: "loss", variant: "test", most: false, ever: false };
    expect(valueOf(trial("a", "1", 3), after)).toBe(3);
    expect(valueOf(trial("a", "1", 3), { ...after, ever: true })).toBe(2);
    expect(valueOf(trial("a", "1"), after)).toBeUndefined();
  });
  it("tells the best trial", () => {
    const after = { metric: "loss", variant: "test", most: false, ever: false };
    const trials = [trial("a", "1"), trial("b", "1", 3), trial("c", "1", 2)];
    expect(bestOf(trials, after)).toBe("c");
    expect(bestOf(trials, { ...after, most: true })).toBe("b");
    expect(bestOf([trial("a", "1")], after)).toBe("");
  });
});

it("finds what trials differ in", () => {
  expect(varying([trial("a", "0.1"), trial("b", "0.2")])).toEqual(["Args/lr"]);
  expect(varying([trial("a", "0.1"), { ...trial("b", "0.1"), hyperparams: {} }])).toEqual([
    "Args/lr",
    "Args/seed",
  ]);
});

describe("an axis", () => {
  it("has numbers in their place, by their logarithm where they span far", () => {
    expect(axisOf("n", ["1", "3", "2"]).places).toEqual([0, 1, 0.5]);
    expect(axisOf("n", ["1", "10", "100", ""]).places).toEqual([0, 0.5, 1, null]);
  });
  it("has words in their order", () => {
    const { ends, places } = axisOf("w", ["sgd", "adam", undefined, "lion"]);
    expect(ends).toEqual(["adam", "sgd"]);
    expect(places).toEqual([1, 0, null, 0.5]);
  });
});
