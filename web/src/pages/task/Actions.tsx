// What is done next with a task: the one thing that is likely, and a menu of all others.
import { useState } from "preact/hooks";
import type { Task } from "../../api/documents";
import { useKeys } from "../../keys";
import { copyText } from "../../ui/CodeBlock";
import { type Command, Commands } from "../../ui/Commands";
import { Menu } from "../../ui/Menu";
import { Button } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { CloneSheet } from "../tasks/CloneSheet";
import { ABORT, canEnqueue, DEEDS, type Deed, fits, perform } from "../tasks/deeds";
import { DeedDialog } from "../tasks/DeedDialog";
import { EnqueueDialog } from "../tasks/EnqueueDialog";

export function Actions({ task }: { task: Task }) {
  const [open, setOpen] = useState<"clone" | "enqueue" | "commands" | Deed | null>(null);
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
          {
            word: "Copy the id",
            icon: "copy",
            onChoose: () => void copyText(task.id).then((done) => done && toast("Copied the id")),
          },
          { word: "Commands", icon: "copy", onChoose: () => setOpen("commands") },
        ]}
      />
      {open === "clone" && <CloneSheet key={task.id} task={task} onClose={close} />}
      {open === "enqueue" && <EnqueueDialog tasks={[task]} onClose={close} />}
      {open === "commands" && (
        <Commands title={`Commands for ${task.name}`} commands={commands(task)} onClose={close} />
      )}
      {open && typeof open === "object" && (
        <DeedDialog deed={open} tasks={[task]} onClose={close} />
      )}
    </>
  );
}

/** What can be done with a task as it stands, on the command line. */
function commands(task: Task): Command[] {
  return [
    ["Follow it", `taskyard logs -f ${task.id}`],
    ["Why it stands where it stands", `taskyard explain ${task.id}`],
    ["Run a copy of it here", `taskyard agent execute --id ${task.id} --clone`],
    ["Clone it, with another value", `taskyard clone ${task.id} --set Args/lr=0.2`],
    ...(canEnqueue(task)
      ? [["Enqueue", `taskyard enqueue ${task.id} --queue default`] as const]
      : []),
    ...DEEDS.filter((deed) => fits(deed, task)).map(
      (deed) => [deed.word, deed.command([task.id])] as const,
    ),
  ];
}
