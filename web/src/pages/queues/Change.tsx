// What is done with a queue itself: made, paused, renamed, cleared, deleted.
import { useState } from "preact/hooks";
import { call, words } from "../../api/client";
import type { Queue } from "../../api/documents";
import { go } from "../../router";
import { CodeBlock } from "../../ui/CodeBlock";
import { Confirm, Dialog } from "../../ui/Dialog";
import { plural } from "../../ui/format";
import { Menu } from "../../ui/Menu";
import { Button, Notice } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";
import { waitingIn } from "./QueueTable";

interface AskProps {
  title: string;
  verb: string;
  label: string;
  start?: string;
  /** May it be left empty? */
  optional?: boolean;
  command: (text: string) => string;
  run: (text: string) => Promise<unknown>;
  onClose: () => void;
}

/** Asks for one line of text, and does something with it. What goes wrong is said at the field. */
function Ask({ title, verb, label, start = "", optional, command, run, onClose }: AskProps) {
  const [text, setText] = useState(start);
  const [trouble, setTrouble] = useState<unknown>();
  const ready = optional || (text.trim() && text !== start);
  const submit = async () => {
    try {
      await run(text.trim());
      onClose();
    } catch (error) {
      setTrouble(error);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" disabled={!ready} onClick={() => void submit()}>
            {verb}
          </Button>
        </>
      }
    >
      {trouble !== undefined && (
        <Notice tone="bad">
          {words(trouble).what} {words(trouble).hint}
        </Notice>
      )}
      <label class="field">
        {label}
        <input
          value={text}
          ref={(input) => {
            if (!text) input?.focus();
          }}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && ready && void submit()}
        />
      </label>
      <CodeBlock label="The same on the command line" text={command(text.trim() || "NAME")} />
    </Dialog>
  );
}

export function NewQueue({ onClose }: { onClose: () => void }) {
  return (
    <Ask
      title="New queue"
      verb="Create"
      label="Name"
      command={(name) => `taskyard queue create ${name}`}
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
  const [open, setOpen] = useState<"pause" | "rename" | "clear" | "delete" | null>(null);
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
        ]}
      />
      {open === "pause" && (
        <Ask
          title={`Pause ${name}`}
          verb="Pause"
          label="Why, for others to read"
          optional
          command={(why) => `taskyard queue pause ${name}${why === "NAME" ? "" : ` -m '${why}'`}`}
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
          command={(next) => `taskyard queue rename ${name} ${next}`}
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
          {drafts}
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
        </Confirm>
      )}
    </>
  );
}
