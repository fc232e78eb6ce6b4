import { expect, it } from "vitest";
import { queryOf, viewsOf, withView } from "./views";

const view = (name: string, query = "") => ({ name, query, hidden: [], order: [] });

it("keeps views by name, the last one saved", () => {
  const views = withView([view("b", "old"), view("c")], view("b", "new"));
  expect(withView(views, view("a")).map(({ name, query }) => name + query)).toEqual([
    "a",
    "bnew",
    "c",
  ]);
});

it("leaves out of the preferences what is no view", () => {
  const kept = [view("mine"), { name: 3 }, null];
  expect(viewsOf({ taskyard: { task_views: kept } })).toEqual([view("mine")]);
  expect(viewsOf({})).toEqual([]);
});

it("takes an address for the same view on every page of it", () => {
  const [one, other] = ["status=failed&q=a&page=2", "q=a&status=failed"];
  expect(queryOf(new URLSearchParams(one))).toBe(queryOf(new URLSearchParams(other)));
});
