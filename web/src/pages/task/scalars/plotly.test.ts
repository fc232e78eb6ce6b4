import { describe, expect, it } from "vitest";
import { readPlot, scale } from "./plotly";

const plot = (data: object[], layout = {}) => readPlot(JSON.stringify({ data, layout }));

describe("a plot", () => {
  it("may be a table", () => {
    const cells = {
      values: [
        [1, 2],
        ["<b>a</b>", "b"],
      ],
    };
    expect(plot([{ type: "table", header: { values: [["n"], ["word"]] }, cells }])).toEqual({
      kind: "table",
      columns: ["n", "word"],
      rows: [
        ["1", "a"],
        ["2", "b"],
      ],
    });
  });
  it("may be lines, points and bars", () => {
    const found = plot(
      [
        { y: [1, 2] },
        { type: "scatter", mode: "markers", x: [1], y: [2] },
        { type: "bar", y: [3] },
      ],
      { xaxis: { title: { text: "epoch" } } },
    );
    expect(found.kind === "xy" && found.traces.map((trace) => trace.as)).toEqual([
      "line",
      "points",
      "bars",
    ]);
    expect(found.kind === "xy" && found.xTitle).toBe("epoch");
  });
  it("may be a map of heat", () => {
    expect(plot([{ type: "heatmap", z: [[1, 2]] }])).toMatchObject({ kind: "heat", z: [[1, 2]] });
  });
  it("says what it cannot draw", () => {
    expect(plot([{ type: "surface" }])).toEqual({ kind: "other", types: ["surface"] });
  });
});

describe("places on an axis", () => {
  it("go by size for numbers and by order for words", () => {
    expect(scale([0, 10], 100)(5)).toBe(50);
    expect(scale(["a", "b", "c"], 100)("b")).toBe(50);
  });
});
