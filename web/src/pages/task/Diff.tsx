import { plural } from "../../ui/format";
import { Card } from "../../ui/parts";
import { type DiffFile, parseDiff } from "./diff";

/** Lines of a file that are drawn; more make the page slow and nobody reads them here. */
const MOST = 2_000;

/** Uncommitted changes, file by file. */
export function Diff({ text }: { text: string }) {
  const files = parseDiff(text);
  return (
    <Card title="Uncommitted changes" note={plural(files.length, "file")}>
      <div class="card-body diff">
        {files.map((file) => (
          <FileDiff key={file.path} file={file} open={files.length <= 5} />
        ))}
      </div>
    </Card>
  );
}

function FileDiff({ file, open }: { file: DiffFile; open: boolean }) {
  return (
    <details open={open}>
      <summary>
        <code>{file.path || "changes"}</code>
        <span class="diff-added num">+{file.added}</span>
        <span class="diff-removed num">−{file.removed}</span>
      </summary>
      <pre tabIndex={0} role="group" aria-label={`Changes of ${file.path}`}>
        {file.lines.slice(0, MOST).map((line, at) => (
          <span key={at} class={`diff-line ${line.kind}`}>
            {line.text}
            {"\n"}
          </span>
        ))}
        {file.lines.length > MOST && (
          <span class="diff-line note">… {plural(file.lines.length - MOST, "more line")}</span>
        )}
      </pre>
    </details>
  );
}
