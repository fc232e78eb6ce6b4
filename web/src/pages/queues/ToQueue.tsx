import { useState } from "preact/hooks";
import type { Queue } from "../../api/documents";
import { CodeBlock } from "../../ui/CodeBlock";
import { Answers, Dialog } from "../../ui/Dialog";
import { plural } from "../../ui/format";
import { QueueField, useQueues } from "../tasks/EnqueueDialog";
import { moveToQueue } from "./commands";

interface ToQueueProps {
  queue: Queue;
  tasks: string[];
  onMove: (other: Queue) => void;
  onClose: () => void;
}

/** Asks for the queue that tasks are moved to. */
export function ToQueue({ queue, tasks, onMove, onClose }: ToQueueProps) {
  const others = useQueues().queues.filter(({ id }) => id !== queue.id);
  const [picked, pick] = useState("");
  const other = others.find(({ id }) => id === picked) ?? others[0];
  return (
    <Dialog
      title={`Move ${plural(tasks.length, "task")} to another queue`}
      onClose={onClose}
      actions={
        <Answers
          verb="Move"
          disabled={!other}
          onCancel={onClose}
          onClick={() => {
            onClose();
            if (other) onMove(other);
          }}
        />
      }
    >
      <QueueField queues={others} chosen={other?.id ?? ""} onChoose={pick} />
      <CodeBlock
        label="The same on the command line"
        text={moveToQueue(tasks, other?.name ?? "QUEUE")}
      />
    </Dialog>
  );
}
