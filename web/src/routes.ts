// Which address shows which page.
import type { ComponentType } from "preact";
import * as overviewPage from "./pages/overview";
import type { PageProps, Params } from "./page-props";

type Load = () => Promise<{ default: ComponentType<PageProps> }>;

interface Route {
  pattern: RegExp;
  load: Load;
  /** Which entry of the navigation it belongs to. */
  section: string;
}

/** Most visits begin with it: it comes with the first script, not after it. */
const overview: Load = () => Promise.resolve(overviewPage);
const tasks: Load = () => import("./pages/tasks");
const task: Load = () => import("./pages/task");
const queues: Load = () => import("./pages/queues");
const workers: Load = () => import("./pages/workers");
const compare: Load = () => import("./pages/compare");
const settings: Load = () => import("./pages/settings");

function route(shape: string, section: string, load: Load): Route {
  const pattern = shape.replace(/:(\w+)/g, "(?<$1>[^/]+)");
  return { pattern: new RegExp(`^${pattern}/?$`), load, section };
}

/** Words after a colon become params; names are decoded. */
const ROUTES: Route[] = [
  route("/", "overview", overview),
  route("/tasks", "tasks", tasks),
  route("/tasks/:id", "tasks", task),
  route("/tasks/:id/:tab", "tasks", task),
  route("/queues", "queues", queues),
  route("/queues/:name", "queues", queues),
  route("/queues/:name/:tab", "queues", queues),
  route("/workers", "workers", workers),
  route("/workers/:id", "workers", workers),
  route("/workers/:id/:tab", "workers", workers),
  route("/compare", "tasks", compare),
  route("/settings", "settings", settings),
  route("/settings/:tab", "settings", settings),
];

export interface Match {
  load: Load;
  section: string;
  params: Params;
}

export function match(path: string): Match | null {
  for (const { pattern, load, section } of ROUTES) {
    const found = pattern.exec(path);
    if (found) {
      const params = Object.entries(found.groups ?? {}).map(([k, v]) => [k, decode(v)]);
      return { load, section, params: Object.fromEntries(params) };
    }
  }
  return null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const OUTPUT: Record<string, string> = {
  log: "console",
  metrics: "scalars",
  plots: "scalars",
  debugImages: "scalars",
};

/** Addresses that the SDK prints, as ours; null for all others. */
export function translated(path: string): string | null {
  const words = path.split("/").slice(1);
  const compared = words.findIndex((word) => word.startsWith("compare-"));
  if (words[0] === "projects" && compared > 0) {
    const ids = /ids=([^;/]*)/.exec(path)?.[1] ?? "";
    return `/compare?ids=${ids}`;
  }
  const marker = words.findIndex((w, i) => i > 1 && (w === "experiments" || w === "tasks"));
  const id = words[marker + 1];
  if (marker > 0 && id) {
    const tab = wordsToTab(words.slice(marker + 2));
    return `/tasks/${id}${tab ? `/${tab}` : ""}`;
  }
  if (words[0] === "workers-and-queues") return words[1] === "queues" ? "/queues" : "/workers";
  if (words[0] === "settings" && words[1] === "workspace-configuration") return "/settings/keys";
  return words[0] === "login" || words[0] === "dashboard" ? "/" : null;
}

function wordsToTab([first, second]: string[]): string {
  if (first === "output") return OUTPUT[second ?? ""] ?? "";
  if (first === "execution" || first === "hyper-params") return "config";
  return first === "artifacts" ? "artifacts" : "";
}

/** Whether an address is a page of ours, rather than a file or the API's. */
export const owns = (path: string): boolean => match(path) !== null || translated(path) !== null;
