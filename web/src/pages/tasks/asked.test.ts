import { describe, expect, it } from "vitest";
import { asked, chosenText, commandOf, isFiltered, parseChosen } from "./asked";

const of = (text: string) => new URLSearchParams(text);

describe("what an address asks of the list", () => {
  it("is the newest change first without a word", () => {
    expect(asked(of(""))).toMatchObject({ order_by: ["-last_update"], page: 0 });
    expect(isFiltered(of("sort=name"))).toBe(false);
  });
  it("has filters, order and page", () => {
    const body = asked(of("status=failed,stopped&tag=good&sort=name&page=3&project=p1"));
    expect(body).toMatchObject({
      status: ["failed", "stopped"],
      tags: ["__$all", "good"],
      order_by: ["name"],
      page: 2,
      project: ["p1"],
      include_subprojects: true,
    });
  });
  it("searches for text as it is typed", () => {
    const { _any_ } = asked(of("q=lr%3D1.5")) as { _any_: { pattern: string } };
    expect(_any_.pattern).toBe("(?i)lr=1\\.5");
  });
  it("reads and sorts by columns that were chosen", () => {
    const cols = chosenText([
      { kind: "m", path: "ab.cd", head: "loss/train" },
      { kind: "p", path: "Args.lr", head: "Args/lr" },
    ]);
    expect(parseChosen(cols)).toHaveLength(2);
    const body = asked(of(`cols=${encodeURIComponent(cols)}&sort=-loss/train`));
    expect(body.order_by).toEqual(["-last_metrics.ab.cd.value"]);
    expect(body.only_fields).toContain("hyperparams.Args.lr.value");
  });
  it("can be said on the command line", () => {
    const command = commandOf(of("status=failed&queue=q1&tag=a"), () => "gpu");
    expect(command).toBe("taskyard ps --status failed --queue 'gpu' --tag 'a'");
  });
});
