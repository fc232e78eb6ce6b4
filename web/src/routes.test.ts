import { describe, expect, it } from "vitest";
import { match, owns, translated } from "./routes";

it("finds a page and what its address names", () => {
  expect(match("/queues/gpu%20large/history")?.params).toEqual({
    name: "gpu large",
    tab: "history",
  });
  expect(match("/tasks/abc")?.section).toBe("tasks");
  expect(match("/nothing/here")).toBeNull();
});

describe("an address that the SDK prints", () => {
  it.each([
    ["/projects/p1/experiments/t1/output/log", "/tasks/t1/console"],
    ["/projects/p1/experiments/t1/output/metrics/scalar", "/tasks/t1/scalars"],
    ["/projects/p1/experiments/t1", "/tasks/t1"],
    ["/projects/p1/tasks/t1/artifacts/output-model", "/tasks/t1/artifacts"],
    ["/pipelines/p1/experiments/t1/execution", "/tasks/t1/config"],
    ["/projects/*/compare-experiments;ids=a,b/scalars/graph", "/compare?ids=a,b"],
    ["/workers-and-queues/queues", "/queues"],
    ["/settings/workspace-configuration", "/settings/keys"],
  ])("%s leads to %s", (from, to) => expect(translated(from)).toBe(to));
});

it("leaves files, the reference and the API to the server", () => {
  expect(["/files/a/b", "/reference", "/openapi.json", "/tasks.get_all"].map(owns)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
