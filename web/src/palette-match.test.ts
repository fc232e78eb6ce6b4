import { expect, it } from "vitest";
import { matchScore } from "./palette-match";

const best = (typed: string, names: string[]) =>
  [...names].sort((a, b) => matchScore(typed, b) - matchScore(typed, a))[0];

it("does not find what lacks a letter", () => {
  expect(matchScore("xyz", "queues")).toBe(0);
});

it("prefers beginnings of words", () => {
  expect(best("gl", ["single", "gpu-large"])).toBe("gpu-large");
});

it("prefers the exact name", () => {
  expect(best("gpu", ["gpu-large", "gpu", "big gpu"])).toBe("gpu");
});
