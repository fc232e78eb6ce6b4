// What is done next with a task: the one thing that is likely, and a menu of all others.
import { useState } from "preact/hooks";
import type { Task } from "../../api/documents";
import { useKeys } from "../../keys";
import { copyText } from "../../ui/CodeBlock";
import { Confirm } from "../../ui/Dialog";
import { Menu } from "../../ui/Menu";
import { Button } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { CloneSheet } from "../tasks/CloneSheet";
import { ABORT, canEnqueue, DEEDS, type Deed, fits, perform } from "../tasks/deeds";
import { EnqueueDialog } from "../tasks/EnqueueDialog";

export function Actions({ task }: { task: Task }) {
  const [open, setOpen] = useState<"clone" | "enqueue" | Deed | null>(null);
  const close = () => setOpen(null);
  const again = task.status !== "created";
  const enqueueable = canEnqueue(task);
  const abortable = fits(ABORT, task);
  const choose = (deed: Deed) => (deed.ask ? setOpen(deed) : void perform(deed, [task]));
  useKeys(
    [
      { keys: "c", word: "Clone this task", act: () => setOpen("clone") },
      ...(enqueueable ? [{ keys: "e", word: "Enqueue", act: () => setOpen("enqueue") }] : []),
      ...(abortable ? [{ keys: "a", word: "Abort", act: () => choose(ABORT) }] : []),
    ],
    [task.status],
  );
  return (
    <>
      {enqueueable && (
        <Button kind="primary" icon={again ? "retry" : "play"} onClick={() => setOpen("enqueue")}>
          {again ? "Retry" : "Enqueue"}
        </Button>
      )}
      {abortable && (
        <Button kind="danger" icon="stop" onClick={() => choose(ABORT)}>
          Abort
        </Button>
      )}
      <Button
        icon="copy"
        {...(!enqueueable && !abortable && { kind: "primary" as const })}
        onClick={() => setOpen("clone")}
      >
        Clone
      </Button>
      <Menu
        label="More actions"
        items={[
          ...DEEDS.filter((deed) => deed !== ABORT).map((deed) => ({
            word: deed.word,
            icon: deed.icon,
            danger: !!deed.danger,
            disabled: !fits(deed, task) && deed.otherwise,
            onChoose: () => choose(deed),
          })),
          ...commands(task).map(([word, text]) => ({
            word,
            icon: "copy" as const,
            onChoose: () => void copyText(text).then((done) => done && toast(`Copied: ${text}`)),
          })),
        ]}
      />
      {open === "clone" && <CloneSheet key={task.id} task={task} onClose={close} />}
      {open === "enqueue" && <EnqueueDialog tasks={[task]} onClose={close} />}
      {open && typeof open === "object" && (
        <Confirm
          title={`${open.word} ${task.name}`}
          verb={open.word}
          danger={!!open.danger}
          onClose={close}
          onConfirm={() => void perform(open, [task])}
        >
          <p>{open.ask?.("This task")}</p>
          <p class="muted">
            The same on the command line: <code>{open.command([task.id])}</code>
          </p>
        </Confirm>
      )}
    </>
  );
}

/** Commands worth having at hand for a task. */
function commands(task: Task): [string, string][] {
  const found: [string, string][] = [
    ["Copy the id", task.id],
    ["Copy the command to follow it", `taskyard logs -f ${task.id}`],
    ["Copy the command to run it here", `taskyard agent execute --id ${task.id} --clone`],
  ];
  for (const deed of DEEDS.filter((one) => fits(one, task)))
    found.push([`Copy the command to ${deed.word.toLowerCase()}`, deed.command([task.id])]);
  return found;
}
