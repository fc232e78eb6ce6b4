import { describe, expect, it } from "vitest";
import { bodyOf, commandOf, type Draft, EMPTY, missing } from "./newTask";

const ofRepository: Draft = {
  ...EMPTY,
  repository: "https://host/team/code.git",
  branch: "main",
  folder: "train",
  script: "run.py",
  args: "lr=0.1\n--verbose\n",
  packages: "numpy\npandas >= 2\n",
};

describe("a task written by hand", () => {
  it("has its arguments as parameters that a clone can change", () => {
    const { script, hyperparams } = bodyOf(ofRepository, "p1");
    expect(script.arguments).toEqual(["--lr", "${Args/lr}", "${Args/verbose?--verbose}"]);
    expect(Object.values(hyperparams.Args).map(({ value }) => value)).toEqual(["0.1", "true"]);
  });

  it("takes the code of a repository", () => {
    expect(bodyOf(ofRepository, "p1")).toMatchObject({
      name: "run.py",
      project: "p1",
      script: {
        repository: "https://host/team/code.git",
        branch: "main",
        working_dir: "train",
        entry_point: "run.py",
        requirements: { pip: "numpy\npandas >= 2" },
      },
    });
  });

  it("carries a pasted script itself", () => {
    const draft: Draft = { ...EMPTY, from: "script", script: "go.sh", text: "echo hi" };
    expect(bodyOf(draft, undefined)).toMatchObject({
      script: { diff: "echo hi\n", entry_point: "go.sh", binary: "sh" },
    });
  });

  it("says what is missing", () => {
    expect(missing(EMPTY)).toBe("the repository's address");
    expect(missing({ ...EMPTY, from: "script", script: "a.py" })).toBe("the script's text");
    expect(missing({ ...ofRepository, script: "a" })).toBe("a name of three letters or more");
    expect(missing(ofRepository)).toBe("");
  });
});

describe("its command", () => {
  it("names the repository, and keeps lists apart from what follows", () => {
    expect(commandOf(ofRepository, "gpu")).toBe(
      "taskyard submit --repo https://host/team/code.git --branch main --cwd train" +
        " --script train/run.py --queue gpu --args lr=0.1 --packages numpy 'pandas >= 2'" +
        " -- --verbose",
    );
  });

  it("sends a pasted script as the file it is to be saved in", () => {
    const draft: Draft = { ...EMPTY, from: "script", script: "a.py", text: "1", args: "lr=2\nv" };
    expect(commandOf(draft, "")).toBe("taskyard submit --draft a.py --lr 2 --v");
  });
});
