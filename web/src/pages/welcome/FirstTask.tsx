// How to get a task, where there is none yet.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import { go } from "../../router";
import { CodeBlock } from "../../ui/CodeBlock";
import { Button, EmptyState, Segmented } from "../../ui/parts";
import { tried } from "../../ui/tried";
import { sampleTask } from "./sample";

type Way = "command" | "python" | "sample";

const WAYS = [
  ["command", "Command"],
  ["python", "Python"],
  ["sample", "Run the sample"],
] as const;

const PYTHON = `# pip install clearml; eval "$(taskyard env)"
from clearml import Task

task = Task.init(project_name="first", task_name="hello")
task.execute_remotely(queue_name="default")`;

/** Says how to send the first task. */
export function FirstTask() {
  const [way, setWay] = useState<Way>("command");
  return (
    <EmptyState title="No task yet">
      <p>
        {way === "sample"
          ? "A training of a dozen seconds, without any packages: it prints, and draws a curve."
          : way === "python"
            ? "At the beginning of a script that runs on your machine:"
            : "In a folder with code:"}
      </p>
      <Segmented label="How" choices={WAYS} chosen={way} onChoose={setWay} />
      {way === "command" && (
        <CodeBlock text="taskyard run train.py --lr 0.1" label="Send this folder's code" />
      )}
      {way === "python" && <CodeBlock text={PYTHON} label="Send a script from Python" />}
      {way === "sample" && (
        <Button kind="primary" icon="play" onClick={() => void runSample()}>
          Run the sample
        </Button>
      )}
    </EmptyState>
  );
}

/** Make the sample's task, put it on the default queue and go there. */
export const runSample = (): Promise<boolean> =>
  tried(async () => {
    const { id } = await call("tasks.create", sampleTask());
    await call("tasks.enqueue", { task: id, queue_name: "default" });
    go(`/tasks/${id}/console`);
  });
