// Choosing the queue that tasks are put on.
import { useState } from "preact/hooks";
import type { Queue, Task } from "../../api/documents";
import { useLive } from "../../live/store";
import { CodeBlock } from "../../ui/CodeBlock";
import { Answers, Dialog } from "../../ui/Dialog";
import { plural } from "../../ui/format";
import { Notice } from "../../ui/parts";
import { enqueue } from "./deeds";

/** All queues, and which is meant when nobody says: `default`, else the first. */
export function useQueues(): { queues: Queue[]; first: string } {
  const { data } = useLive("queues.get_all_ex", { order_by: ["name"], max_task_entries: 1 }, [
    "queues",
    "workers",
  ]);
  const queues = (data.value?.queues ?? []) as unknown as Queue[];
  const first = queues.find(({ name }) => name === "default") ?? queues[0];
  return { queues, first: first?.id ?? "" };
}

/** A field to choose a queue, with who serves it and how many wait there. */
export function QueueField(props: {
  queues: Queue[];
  chosen: string;
  onChoose: (id: string) => void;
  none?: string;
}) {
  const { queues, chosen, onChoose, none } = props;
  const queue = queues.find(({ id }) => id === chosen);
  const workers = queue?.workers?.length ?? 0;
  const waiting = queue?.waiting ?? 0;
  return (
    <>
      <label class="field">
        Queue
        <select value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
          {none && <option value="">{none}</option>}
          {queues.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {queue && workers > 0 && (
        <small class="muted">
          {plural(workers, "worker")},{" "}
          {waiting ? `${plural(waiting, "task")} waiting` : "nobody waits"}
          {queue.paused ? "; the queue is paused" : ""}
        </small>
      )}
      {queue && !workers && (
        <Notice tone="warn">
          No worker serves {queue.name}. Start one:{" "}
          <code>taskyard agent daemon --queue {queue.name}</code>
        </Notice>
      )}
    </>
  );
}

export function EnqueueDialog({ tasks, onClose }: { tasks: Task[]; onClose: () => void }) {
  const { queues, first } = useQueues();
  const before = tasks[0]?.execution?.queue?.id ?? "";
  const [picked, pick] = useState("");
  const [top, setTop] = useState(false);
  const chosen = picked || (queues.some(({ id }) => id === before) ? before : first);
  const name = queues.find(({ id }) => id === chosen)?.name ?? "";
  const ids = tasks.map(({ id }) => id);
  // As it was when it was asked: what others do meanwhile is told when it is answered.
  const [again] = useState(() => tasks.some(({ status }) => status !== "created"));
  const what = tasks.length === 1 ? (tasks[0]?.name ?? "") : plural(tasks.length, "task");
  const submit = () => {
    onClose();
    void enqueue(ids, chosen, top);
  };
  return (
    <Dialog
      title={`${again ? "Retry" : "Enqueue"} ${what}`}
      onClose={onClose}
      actions={
        <Answers
          verb={again ? "Retry" : "Enqueue"}
          disabled={!chosen}
          onCancel={onClose}
          onClick={submit}
        />
      }
    >
      {again && (
        <p class="muted">
          It runs again as a new attempt, with the same code and parameters. What it printed stays.
        </p>
      )}
      <QueueField queues={queues} chosen={chosen} onChoose={pick} />
      <label class="check-field">
        <input type="checkbox" checked={top} onChange={() => setTop(!top)} /> Before all that wait
      </label>
      <CodeBlock
        label="The same on the command line"
        text={`taskyard enqueue ${ids.join(" ")} --queue ${name}${top ? " --top" : ""}`}
      />
    </Dialog>
  );
}
