// A task that somebody writes down by hand: what the server is sent, and the same as a command.
import { quoted } from "./parameters";

export interface Draft {
  name: string;
  project: string;
  from: "repository" | "script";
  repository: string;
  branch: string;
  commit: string;
  folder: string;
  /** A path in the repository, or what the pasted script is called. */
  script: string;
  /** What is pasted. */
  text: string;
  /** A line each: `lr=0.1`, or `verbose` for a flag. */
  args: string;
  /** A line each. */
  packages: string;
  image: string;
}

export const EMPTY: Draft = {
  name: "",
  project: "",
  from: "repository",
  repository: "",
  branch: "",
  commit: "",
  folder: "",
  script: "",
  text: "",
  args: "",
  packages: "",
  image: "",
};

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

interface Argument {
  name: string;
  /** Undefined for a flag. */
  value: string | undefined;
}

const argumentsOf = (text: string): Argument[] =>
  lines(text).map((line) => {
    const [name = "", ...rest] = line.replace(/^--?/, "").split("=");
    return { name: name.trim(), value: rest.length ? rest.join("=").trim() : undefined };
  });

/** What the task is called when nobody says: its script. */
export const nameOf = (draft: Draft): string =>
  draft.name.trim() || draft.script.trim().split("/").pop() || "";

/** What is still missing, in words; empty when nothing is. */
export function missing(draft: Draft): string {
  if (draft.from === "repository" && !draft.repository.trim()) return "the repository's address";
  if (!draft.script.trim()) return "the script";
  if (draft.from === "script" && !draft.text.trim()) return "the script's text";
  return nameOf(draft).length < 3 ? "a name of three letters or more" : "";
}

/** As `tasks.create` takes it; `project` is an id. */
export function bodyOf(draft: Draft, project: string | undefined) {
  const given = argumentsOf(draft.args);
  const packages = lines(draft.packages).join("\n");
  const code =
    draft.from === "repository"
      ? {
          repository: draft.repository.trim(),
          branch: draft.branch.trim(),
          version_num: draft.commit.trim(),
          working_dir: draft.folder.trim() || ".",
        }
      : { diff: draft.text.endsWith("\n") ? draft.text : `${draft.text}\n`, working_dir: "." };
  return {
    name: nameOf(draft),
    type: "training" as const,
    ...(project && { project }),
    script: {
      ...code,
      entry_point: draft.script.trim(),
      binary: draft.script.trim().endsWith(".sh") ? "sh" : "python",
      arguments: given.flatMap(({ name, value }) =>
        value === undefined ? [`\${Args/${name}?--${name}}`] : [`--${name}`, `\${Args/${name}}`],
      ),
      ...(packages && { requirements: { pip: packages } }),
    },
    hyperparams: {
      Args: Object.fromEntries(
        given.map(({ name, value }) => [name, { section: "Args", name, value: value ?? "true" }]),
      ),
    },
    ...(draft.image.trim() && { container: { image: draft.image.trim() } }),
  };
}

/** The command that does the same; a pasted script must be a file there. */
export function commandOf(draft: Draft, queue: string): string {
  const given = argumentsOf(draft.args);
  const option = (flag: string, value: string) => (value.trim() ? [flag, value.trim()] : []);
  const list = (flag: string, values: string[]) => (values.length ? [flag, ...values] : []);
  const flags = given.filter(({ value }) => value === undefined).map(({ name }) => `--${name}`);
  const script = draft.script.trim() || "script.py";
  const about = [
    ...option("--name", draft.name),
    ...option("--project", draft.project),
    ...option("--docker", draft.image),
    ...(queue ? ["--queue", queue] : ["--draft"]),
  ];
  if (draft.from === "script") {
    const packages = lines(draft.packages).flatMap((one) => ["--packages", one]);
    const own = given.flatMap(({ name, value }) =>
      value === undefined ? [`--${name}`] : [`--${name}`, value],
    );
    return ["taskyard submit", ...[...about, ...packages, script, ...own].map(quoted)].join(" ");
  }
  const code = [
    ...option("--repo", draft.repository),
    ...option("--branch", draft.branch),
    ...option("--commit", draft.commit),
    ...option("--cwd", draft.folder),
    "--script",
    draft.folder.trim() ? `${draft.folder.trim()}/${script}` : script,
  ];
  const settings = given
    .filter(({ value }) => value !== undefined)
    .map(({ name, value }) => `${name}=${value}`);
  const words = [
    ...code,
    ...about,
    ...list("--args", settings),
    ...list("--packages", lines(draft.packages)),
    ...list("--", flags),
  ];
  return ["taskyard submit", ...words.map(quoted)].join(" ");
}
