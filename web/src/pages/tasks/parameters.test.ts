import { describe, expect, it } from "vitest";
import { changedFields, fieldsOf, items, settings } from "./parameters";

const task = {
  hyperparams: {
    Args: {
      lr: { section: "Args", name: "lr", value: "0.1" },
      name: { section: "Args", name: "name", value: "" },
    },
    Model: { depth: { section: "Model", name: "depth", value: "4" } },
  },
};

describe("parameters that are edited", () => {
  const fields = fieldsOf(task);
  it("are listed by section", () => {
    expect(fields.map(({ key }) => key)).toEqual(["Args/lr", "Args/name", "Model/depth"]);
  });
  it("count as changed only with another value", () => {
    const changed = changedFields(fields, { "Args/lr": "0.2", "Model/depth": "4" });
    expect(items(changed)).toEqual([{ section: "Args", name: "lr", value: "0.2" }]);
  });
  it("are words of a command, quoted where a shell needs it", () => {
    const changed = changedFields(fields, { "Args/lr": "1e-4", "Args/name": "it's new" });
    expect(settings(changed)).toBe(` --set Args/lr=1e-4 --set 'Args/name=it'\\''s new'`);
  });
});
