// What is done with a queue itself: made, paused, renamed, cleared, deleted.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Queue } from "../../api/documents";
import { go } from "../../router";
import { Ask } from "../../ui/Ask";
import { CodeBlock } from "../../ui/CodeBlock";
import { Commands } from "../../ui/Commands";
import { Confirm } from "../../ui/Dialog";
import { plural } from "../../ui/format";
import { Menu } from "../../ui/Menu";
import { Button } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";
import { clearQueue, createQueue, deleteQueue, ofQueue, pauseQueue, renameQueue } from "./commands";
import { waitingIn } from "./QueueTable";

export function NewQueue({ onClose }: { onClose: () => void }) {
  return (
    <Ask
      title="New queue"
      verb="Create"
      label="Name"
      command={createQueue}
      run={async (name) => {
        await call("queues.create", { name });
        go(`/queues/${encodeURIComponent(name)}`);
      }}
      onClose={onClose}
    />
  );
}

/** The buttons of an open queue. */
export function Change({ queue }: { queue: Queue }) {
  const [open, setOpen] = useState<"pause" | "rename" | "clear" | "delete" | "commands" | null>(
    null,
  );
  const close = () => setOpen(null);
  const waiting = waitingIn(queue);
  const { id, name } = queue;
  const drafts = `${plural(waiting, "waiting task")} ${waiting === 1 ? "goes" : "go"} back to Draft.`;
  return (
    <>
      {queue.paused ? (
        <Button
          kind="primary"
          icon="play"
          onClick={() => void tried(() => call("queues.resume", { queue: id }))}
        >
          Resume
        </Button>
      ) : (
        <Button icon="pause" onClick={() => setOpen("pause")}>
          Pause
        </Button>
      )}
      <Menu
        label={`More for ${name}`}
        items={[
          { word: "Rename", onChoose: () => setOpen("rename") },
          {
            word: "Clear",
            danger: true,
            disabled: !waiting && "Nothing waits here",
            onChoose: () => setOpen("clear"),
          },
          { word: "Delete", danger: true, onChoose: () => setOpen("delete") },
          { word: "As commands…", icon: "copy", onChoose: () => setOpen("commands") },
        ]}
      />
      {open === "pause" && (
        <Ask
          title={`Pause ${name}`}
          verb="Pause"
          label="Why, for others to read"
          optional
          command={(why) => pauseQueue(name, why)}
          run={(reason) => call("queues.pause", { queue: id, reason })}
          onClose={close}
        />
      )}
      {open === "rename" && (
        <Ask
          title={`Rename ${name}`}
          verb="Rename"
          label="New name"
          start={name}
          command={(next) => renameQueue(name, next)}
          run={async (next) => {
            await call("queues.update", { queue: id, name: next });
            go(`/queues/${encodeURIComponent(next)}`, { replace: true });
          }}
          onClose={close}
        />
      )}
      {open === "clear" && (
        <Confirm
          title={`Clear ${name}`}
          verb="Clear"
          onClose={close}
          onConfirm={() =>
            void tried(async () => {
              const cleared = await call("queues.clear_queue", { queue: id });
              const tasks = cleared.removed_tasks;
              toast(`${plural(tasks.length, "task")} taken off ${name}`, {
                undo: () => tried(() => call("tasks.enqueue_many", { ids: tasks, queue: id })),
              });
            })
          }
        >
          <p>{drafts}</p>
          <CodeBlock label="The same on the command line" text={clearQueue(name)} />
        </Confirm>
      )}
      {open === "delete" && (
        <Confirm
          title={`Delete ${name}`}
          verb="Delete"
          onClose={close}
          onConfirm={() =>
            void tried(async () => {
              await call("queues.delete", { queue: id, force: true });
              go("/queues");
            })
          }
        >
          <p>The queue will be gone. {waiting ? drafts : "Nothing waits in it."}</p>
          {!!queue.workers?.length && (
            <p>{plural(queue.workers.length, "worker")} will no longer serve it.</p>
          )}
          <CodeBlock label="The same on the command line" text={deleteQueue(name)} />
        </Confirm>
      )}
      {open === "commands" && (
        <Commands title={`${name} on the command line`} commands={ofQueue(name)} onClose={close} />
      )}
    </>
  );
}
