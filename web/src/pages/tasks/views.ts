// Saved views of the list: filters, order and columns under a name, kept with the user. No I/O.
export interface View {
  name: string;
  /** What stands in the address, without its page. */
  query: string;
  /** Columns that are hidden, and those that were put in an order. */
  hidden: string[];
  order: string[];
}

/** Where the user's preferences keep them. */
export const PLACE = "taskyard.task_views";

/** The views among a user's preferences; what is none of ours is left out. */
export function viewsOf(preferences: Record<string, unknown>): View[] {
  const kept = (preferences.taskyard as Record<string, unknown> | undefined)?.task_views;
  if (!Array.isArray(kept)) return [];
  return kept.flatMap((one: Partial<View>) =>
    typeof one?.name === "string" && typeof one.query === "string"
      ? [{ name: one.name, query: one.query, hidden: one.hidden ?? [], order: one.order ?? [] }]
      : [],
  );
}

/** The views with one more, in the order of their names; one of the same name makes way. */
export const withView = (views: View[], view: View): View[] =>
  [...without(views, view.name), view].sort((a, b) => a.name.localeCompare(b.name, "en"));

export const without = (views: View[], name: string): View[] =>
  views.filter((view) => view.name !== name);

/** An address's query as a view keeps it: the same whichever key was chosen first. */
export function queryOf(address: URLSearchParams): string {
  const kept = new URLSearchParams(address);
  kept.delete("page");
  kept.sort();
  return kept.toString();
}
