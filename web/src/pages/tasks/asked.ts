// What an address asks of the list of tasks, as the query that answers it. No I/O.
import { TASK_FIELDS } from "./fields";

export const PAGE = 100;

/** A column of one curve or one parameter, as an address names it. */
export interface Chosen {
  /** `m` for a metric, `p` for a parameter. */
  kind: "m" | "p";
  /** Where the value lies in the task. */
  path: string;
  /** What stands over the column. */
  head: string;
}

const SEPARATOR = "~";

/** `m~HASH.HASH~loss/train` and `p~Args.lr~Args/lr`, with commas between. */
export const chosenText = (columns: Chosen[]): string =>
  columns.map(({ kind, path, head }) => [kind, path, head].join(SEPARATOR)).join(",");

export function parseChosen(text: string | null): Chosen[] {
  return (text ?? "").split(",").flatMap((word) => {
    const [kind, path, head] = word.split(SEPARATOR);
    return (kind === "m" || kind === "p") && path ? [{ kind, path, head: head || path }] : [];
  });
}

/** The field that the server reads and sorts by. */
export const fieldOf = ({ kind, path }: Chosen): string =>
  kind === "m" ? `last_metrics.${path}.value` : `hyperparams.${path}.value`;

/** Columns that the server can sort by, and the field of each. */
export const SORTED: Record<string, string> = {
  name: "name",
  status: "status",
  project: "project.name",
  user: "user.name",
  type: "type",
  step: "last_iteration",
  created: "created",
  started: "started",
  updated: "last_update",
  ran: "active_duration",
};

const values = (address: URLSearchParams, key: string): string[] =>
  (address.get(key) ?? "").split(",").filter(Boolean);

/** The body of `tasks.get_all_ex` for an address. */
export function asked(address: URLSearchParams): Record<string, unknown> {
  const chosen = parseChosen(address.get("cols"));
  const sort = address.get("sort") ?? "-updated";
  const key = sort.replace(/^-/, "");
  const column = chosen.find(({ head }) => head === key);
  const field = column ? fieldOf(column) : (SORTED[key] ?? "last_update");
  const page = Math.max(1, Number(address.get("page")) || 1);
  const body: Record<string, unknown> = {
    only_fields: [...TASK_FIELDS, "system_tags", "active_duration", ...chosen.map(fieldOf)],
    order_by: [sort.startsWith("-") ? `-${field}` : field],
    page: page - 1,
    page_size: PAGE,
  };
  for (const [word, name] of [
    ["status", "status"],
    ["type", "type"],
    ["user", "user"],
    ["project", "project"],
    ["queue", "execution.queue"],
  ] as const) {
    const found = values(address, word);
    if (found.length) body[name] = found;
  }
  if (body.project) body.include_subprojects = true;
  const tags = values(address, "tag");
  if (tags.length) body.tags = ["__$all", ...tags];
  body.system_tags = [address.get("archived") ? "archived" : "-archived"];
  const text = address.get("q");
  if (text)
    body._any_ = {
      fields: ["name", "id", "tags", "comment"],
      pattern: `(?i)${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`,
    };
  return body;
}

/** Whether the address leaves any task out. */
export const isFiltered = (address: URLSearchParams): boolean =>
  ["status", "type", "user", "project", "queue", "tag", "q", "archived"].some((key) =>
    address.get(key),
  );

/** The same list on the command line, as far as that knows the filters. */
export function commandOf(address: URLSearchParams, named: (id: string) => string): string {
  const words = ["taskyard ps"];
  const status = values(address, "status");
  if (status.length) words.push(`--status ${status.join(",")}`);
  else words.push("-a");
  for (const key of ["project", "queue", "user"] as const) {
    const [first] = values(address, key);
    if (first) words.push(`--${key} '${named(first)}'`);
  }
  for (const tag of values(address, "tag")) words.push(`--tag '${tag}'`);
  return words.join(" ");
}
