import { useState } from "preact/hooks";
import type { Task } from "../../api/documents";
import { CodeBlock } from "../../ui/CodeBlock";
import { Confirm } from "../../ui/Dialog";
import { plural } from "../../ui/format";
import { type Deed, fits, perform } from "./deeds";

/** Asks before a deed that cannot be undone, and shows the command that does the same. */
export function DeedDialog(props: {
  deed: Deed;
  tasks: Task[];
  onClose: () => void;
  onDone?: () => void;
}) {
  const { deed, tasks, onClose, onDone } = props;
  // Those of the moment it was asked for: what changes meanwhile, the server says.
  const [fitting] = useState(() => tasks.filter((task) => fits(deed, task)));
  const what = tasks.length === 1 ? (tasks[0]?.name ?? "") : plural(fitting.length, "task");
  return (
    <Confirm
      title={`${deed.word} ${what}`}
      verb={deed.word}
      danger={!!deed.danger}
      onClose={onClose}
      onConfirm={() => void perform(deed, fitting).then(onDone)}
    >
      <p>{deed.ask?.(tasks.length === 1 ? "This task" : plural(fitting.length, "task"))}</p>
      <CodeBlock
        label="The same on the command line"
        text={deed.command(fitting.map(({ id }) => id))}
      />
    </Confirm>
  );
}
