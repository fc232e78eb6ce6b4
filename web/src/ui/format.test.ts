import { describe, expect, it } from "vitest";
import { bytes, count, duration, middle, plural, value } from "./format";

describe("a duration", () => {
  it.each([
    [-3, "0s"],
    [59.9, "59s"],
    [60, "1m 00s"],
    [3599, "59m 59s"],
    [50520, "14h 02m"],
    [183600, "2d 03h"],
  ])("of %d seconds is %s", (seconds, shown) => expect(duration(seconds)).toBe(shown));
});

describe("a measured value", () => {
  it.each([
    [0.04123456, "0.04123"],
    [0.000012, "1.2e-5"],
    [18240, "18,240"],
    [0, "0"],
    [-2.5, "-2.5"],
    [1e12, "1e12"],
    [Number.NaN, "NaN"],
  ])("%d is shown as %s", (n, shown) => expect(value(n)).toBe(shown));
});

it("shows sizes in the largest unit that fits", () => {
  expect([0, 999, 1000, 11_400_000, 250e9].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "11.4 MB",
    "250 GB",
  ]);
});

it("keeps head and tail of what is too long", () => {
  expect(middle("/data/projects/run-0042", 11)).toBe("/data…-0042");
  expect(middle("short", 11)).toBe("short");
});

it("counts in words", () => {
  expect([plural(1, "task"), plural(1284, "task"), plural(2, "entry", "entries")]).toEqual([
    "1 task",
    "1,284 tasks",
    "2 entries",
  ]);
  expect(count(1284)).toBe("1,284");
});
