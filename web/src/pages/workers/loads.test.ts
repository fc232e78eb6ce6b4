import { describe, expect, it } from "vitest";
import type { Worker } from "../../api/documents";
import { cpu, gpuLoad, heat, memory } from "./loads";

const machine = { id: "box:0", key: "k", resources: { cpus: 4, memory: 8 } } as Worker;

describe("the load of a machine", () => {
  it("is of all its processors, those that idle too", () => {
    expect(cpu(machine, { cpu_usage: { "0": 100, "1": 100 } })).toBe(50);
    expect(cpu(machine, undefined)).toBeNull();
  });
  it("is the used share of its memory", () => {
    expect(memory(machine, { memory_used: { total: 1 }, memory_free: { total: 3 } })).toBe(0.25);
    expect(memory(machine, {})).toBeNull();
  });
  it("is a run's share of its agent's memory, which tells only what it uses", () => {
    expect(memory(machine, { memory_used: { total: 2 } })).toBe(0.25);
  });
  it("is told for each GPU, and as nothing where nobody reports", () => {
    const load = {
      gpu_usage: { "1": 90 },
      gpu_memory_used: { "1": 1 },
      gpu_memory_free: { "1": 1 },
    };
    expect(gpuLoad(load, 1)).toEqual({ usage: 90, memory: 0.5, temperature: null, power: null });
    expect(gpuLoad(load, 0).usage).toBe(0);
    expect(gpuLoad(undefined, 0).usage).toBeNull();
  });
  it("has six steps of colour", () => {
    expect([heat(0), heat(50), heat(100)]).toEqual([0, 2, 5]);
  });
});
