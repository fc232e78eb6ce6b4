import type { Task } from "../../api/documents";
import { Dialog } from "../../ui/Dialog";
import { CodeBlock } from "../../ui/CodeBlock";
import type { Row } from "./differences";

/** Values of many lines, one below the other. */
export function WholeValues(props: { row: Row; tasks: Task[]; onClose: () => void }) {
  const { row, tasks, onClose } = props;
  return (
    <Dialog title={row.name} onClose={onClose} class="compare-whole">
      {tasks.map((task, at) => (
        <section key={task.id}>
          <h3>{task.name}</h3>
          <CodeBlock text={row.values[at] ?? "(none)"} label={task.name} />
        </section>
      ))}
    </Dialog>
  );
}
