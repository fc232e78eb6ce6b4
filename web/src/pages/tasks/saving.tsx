// What the sheets that make a task have in common: saving it, waiting or as a draft.
import "./saving.css";
import { useLayoutEffect, useState } from "preact/hooks";
import { call, words } from "../../api/client";
import type { Queue } from "../../api/documents";
import { go } from "../../router";
import { Button, Notice } from "../../ui/parts";
import { toast } from "../../ui/Toast";

interface Saving {
  name: string;
  /** What is still missing; empty when it can be saved. */
  lacks: string;
  /** Where it is enqueued. */
  queue: Queue | undefined;
  /** Makes the draft; its id. */
  make: () => Promise<string>;
  onClose: () => void;
}

/** The last lines of such a sheet: what went wrong, and its two buttons. Ctrl Enter enqueues. */
export function Save({ name, lacks, queue, make, onClose }: Saving) {
  const [trouble, setTrouble] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const save = async (to: Queue | undefined) => {
    setBusy(true);
    setTrouble(undefined);
    try {
      const task = await make();
      if (to) await call("tasks.enqueue", { task, queue: to.id });
      toast(to ? `${name} waits in ${to.name}` : `${name} is a draft`);
      onClose();
      go(`/tasks/${task}${to ? "/console" : "/config"}`);
    } catch (error) {
      setTrouble(error);
      setBusy(false);
    }
  };
  const ready = !busy && !lacks;
  // Before the next key comes: what was typed last is saved, too.
  useLayoutEffect(() => {
    const submit = (event: KeyboardEvent) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && ready && queue)
        void save(queue);
    };
    document.addEventListener("keydown", submit);
    return () => document.removeEventListener("keydown", submit);
  });
  return (
    <>
      {lacks && <small class="muted">Still needed: {lacks}.</small>}
      {trouble !== undefined && (
        <Notice tone="bad">
          {words(trouble).what}
          {words(trouble).hint && <div>{words(trouble).hint}</div>}
        </Notice>
      )}
      <div class="sheet-actions">
        <Button disabled={!ready} onClick={() => void save(undefined)}>
          Save draft
        </Button>
        <Button
          kind="primary"
          disabled={!ready || !queue}
          data-tip="Ctrl Enter"
          onClick={() => void save(queue)}
        >
          Save and enqueue
        </Button>
      </div>
    </>
  );
}
