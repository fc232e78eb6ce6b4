import { describe, expect, it } from "vitest";
import type { JournalLine } from "./actions";
import { nameOf, whatOf, whoOf, whyOf } from "./journal";

const line = (what: string, more: Partial<JournalLine> = {}): JournalLine => ({
  id: 1,
  at: "2026-11-03T13:00:00Z",
  task: { id: "7f3c", name: "bert" },
  what,
  by: { id: "u", name: "lee" },
  reason: "",
  message: "",
  ...more,
});

describe("a line of the journal", () => {
  it("says where a task waits or runs", () => {
    expect(whatOf(line("queued", { queue: "gpu" }))).toBe("waits in gpu");
    expect(whatOf(line("running", { worker: "dgx-01" }))).toBe("started on dgx-01");
  });
  it("names who did it, unless a run did", () => {
    expect(whoOf(line("queued"))).toBe("lee");
    expect(whoOf(line("completed", { worker: "dgx-01" }))).toBe("");
    expect(whoOf(line("aborted", { by: null }))).toBe("");
  });
  it("says why in one line, and not twice where it runs", () => {
    expect(whyOf(line("failed", { reason: "user code", message: "exit code 1\nhint" }))).toBe(
      "user code: exit code 1",
    );
    expect(whyOf(line("running", { worker: "w", reason: "taken by w" }))).toBe("");
  });
  it("names a task that is gone as it was called", () => {
    expect(nameOf(line("deleted", { task: { id: "7f3c" }, message: "bert" }))).toBe("bert");
    expect(nameOf(line("edited", { task: { id: "7f3c" }, message: "tags" }))).toBe("7f3c");
  });
});
