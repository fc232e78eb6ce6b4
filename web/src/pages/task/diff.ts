// A unified diff as what it says, line by line. No I/O.

export type DiffKind = "file" | "hunk" | "added" | "removed" | "same" | "note";

export interface DiffLine {
  kind: DiffKind;
  text: string;
}

export interface DiffFile {
  path: string;
  added: number;
  removed: number;
  lines: DiffLine[];
}

const NOTES =
  /^(index |--- |\+\+\+ |old mode|new mode|deleted file|new file|similarity|rename |copy |GIT binary|Binary files|literal |delta )/;

/** What stands after the signature of a mail is no part of the diff. */
const SIGNATURE = /\n-- \n(?![ +\-\\@]).*\n?$/;

/** The files of a diff with their lines. What is no diff comes as one file without a name. */
export function parseDiff(text: string): DiffFile[] {
  const files: DiffFile[] = [];
  let inHunk = false;
  let binary = false;
  for (const line of text.replace(SIGNATURE, "\n").split("\n")) {
    const head = /^diff --git (?:"?a\/.*?"?) "?b\/(.*?)"?$/.exec(line);
    if (head) {
      files.push({ path: head[1] ?? "", added: 0, removed: 0, lines: [] });
      inHunk = binary = false;
      continue;
    }
    if (!files.length) {
      if (!line) continue;
      files.push({ path: "", added: 0, removed: 0, lines: [] });
    }
    const file = files[files.length - 1] as DiffFile;
    if (line.startsWith("GIT binary patch")) {
      binary = true;
      file.lines.push({ kind: "note", text: "binary content" });
    }
    if (binary) continue;
    if (line.startsWith("@@")) {
      inHunk = true;
      file.lines.push({ kind: "hunk", text: line });
    } else if (!inHunk) {
      if (line && !NOTES.test(line)) file.lines.push({ kind: "note", text: line });
      else if (/^(new file|deleted file|rename |old mode|new mode|Binary)/.test(line))
        file.lines.push({ kind: "note", text: line });
    } else if (line.startsWith("+")) {
      file.added += 1;
      file.lines.push({ kind: "added", text: line });
    } else if (line.startsWith("-")) {
      file.removed += 1;
      file.lines.push({ kind: "removed", text: line });
    } else if (line || file.lines.at(-1)?.kind !== "hunk")
      file.lines.push({ kind: "same", text: line });
  }
  for (const file of files) while (file.lines.at(-1)?.text === "") file.lines.pop();
  return files;
}
