import { describe, expect, it } from "vitest";
import type { Worker } from "../../api/documents";
import { cells, cpu, heat, memory } from "./loads";

const gpu = { id: "GPU-1", index: 3, name: "H100", memory: 80_000 };
const worker = { id: "box:0", key: "k", resources: { cpus: 4, gpus: [gpu] } } as Worker;

describe("the load of a machine", () => {
  it("is of all its processors, those that idle too", () => {
    expect(cpu(worker, { cpu_usage: { "0": 100, "1": 100 } })).toBe(50);
    expect(cpu(worker, undefined)).toBeNull();
  });
  it("is the used share of its memory", () => {
    expect(memory({ memory_used: { total: 1 }, memory_free: { total: 3 } })).toBe(0.25);
    expect(memory({})).toBeNull();
  });
  it("is told for each GPU, and as nothing where nobody reports", () => {
    const loads = new Map([["box:0", { gpu_usage: { "0": 90 } }]]);
    expect(cells([worker], loads).map(({ usage }) => usage)).toEqual([90]);
    expect(cells([worker], new Map())[0]?.usage).toBeNull();
  });
  it("has six steps of colour", () => {
    expect([heat(0), heat(50), heat(100)]).toEqual([0, 2, 5]);
  });
});
