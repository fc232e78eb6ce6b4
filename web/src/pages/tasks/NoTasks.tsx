import { CodeBlock } from "../../ui/CodeBlock";
import { EmptyState } from "../../ui/parts";

/** What stands where no task is yet. */
export function NoTasks() {
  return (
    <EmptyState title="No task yet">
      <p>In a folder with code:</p>
      <CodeBlock text="taskyard run train.py --lr 0.1" />
    </EmptyState>
  );
}
