import { describe, expect, it } from "vitest";
import { parseDiff } from "./diff";

const TEXT = `diff --git a/train.py b/train.py
index 1..2 100644
--- a/train.py
+++ b/train.py
@@ -1,3 +1,3 @@ def main():
 same
-old
+new
++ two pluses
diff --git a/logo.png b/logo.png
new file mode 100644
GIT binary patch
literal 10
zcmabc

`;

describe("a diff", () => {
  it("ends before a signature, which removes nothing", () => {
    const [file] = parseDiff("diff --git a/a b/a\n@@ -0,0 +1 @@\n+one\n-- \n2.39.5\n");
    expect(file).toMatchObject({ added: 1, removed: 0 });
  });

  it("may remove a last line that looks like a signature", () => {
    const [file] = parseDiff("diff --git a/a b/a\n@@ -1,2 +1 @@\n-- \n same\n");
    expect(file).toMatchObject({ added: 0, removed: 1 });
  });

  it("is files with what was added and removed", () => {
    const [code] = parseDiff(TEXT);
    expect(code).toMatchObject({ path: "train.py", added: 2, removed: 1 });
    expect(code?.lines.map(({ kind }) => kind)).toEqual([
      "hunk",
      "same",
      "removed",
      "added",
      "added",
    ]);
  });
  it("says of binary files that they are", () => {
    expect(parseDiff(TEXT)[1]?.lines).toEqual([
      { kind: "note", text: "new file mode 100644" },
      { kind: "note", text: "binary content" },
    ]);
  });
  it("shows what is no diff as it is", () => {
    expect(parseDiff("print('hello')")[0]?.lines[0]?.text).toBe("print('hello')");
  });
});
