// What can be done with the tasks that are selected; each deed says for how many it fits.
import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Task } from "../../api/documents";
import { go } from "../../router";
import { CodeBlock } from "../../ui/CodeBlock";
import { type Command, Commands } from "../../ui/Commands";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { plural } from "../../ui/format";
import { Menu } from "../../ui/Menu";
import { Button } from "../../ui/parts";
import { tried } from "../../ui/tried";
import { ABORT, ARCHIVE, canEnqueue, DEEDS, type Deed, fits, perform } from "./deeds";
import { DeedDialog } from "./DeedDialog";
import { EnqueueDialog } from "./EnqueueDialog";

const MOST_COMPARED = 10;
const SHOWN: readonly Deed[] = [ABORT, ARCHIVE];

interface BatchBarProps {
  tasks: Task[];
  selected: Signal<ReadonlySet<string>>;
}

export function BatchBar({ tasks, selected }: BatchBarProps) {
  const [open, setOpen] = useState<Deed | "enqueue" | "tag" | "commands" | null>(null);
  const chosen = tasks.filter(({ id }) => selected.value.has(id));
  if (!chosen.length) return null;
  const close = () => setOpen(null);
  const clear = () => {
    selected.value = new Set();
  };
  const ready = chosen.filter(canEnqueue);
  const choose = (deed: Deed) =>
    deed.ask ? setOpen(deed) : void perform(deed, chosen).then(clear);
  const count = (deed: Deed) => chosen.filter((task) => fits(deed, task)).length;
  const word = (deed: Deed) => `${deed.word} ${count(deed)} of ${chosen.length}`;
  return (
    <div class="batch" role="region" aria-label="Selected tasks">
      <b>{chosen.length} selected</b>
      <Button disabled={!ready.length} onClick={() => setOpen("enqueue")}>
        Enqueue {ready.length} of {chosen.length}
      </Button>
      {SHOWN.map((deed) => (
        <Button
          key={deed.key}
          disabled={!count(deed)}
          {...(deed.danger && { kind: "danger" as const })}
          onClick={() => choose(deed)}
        >
          {word(deed)}
        </Button>
      ))}
      <Button onClick={() => setOpen("tag")}>Tag</Button>
      <Button
        disabled={chosen.length < 2 || chosen.length > MOST_COMPARED}
        data-tip={chosen.length > MOST_COMPARED ? `At most ${MOST_COMPARED}` : undefined}
        onClick={() => go(`/compare?ids=${chosen.map(({ id }) => id).join(",")}`)}
      >
        Compare
      </Button>
      <Menu
        label="More for the selected tasks"
        items={[
          ...DEEDS.filter((deed) => !SHOWN.includes(deed)).map((deed) => ({
            word: word(deed),
            icon: deed.icon,
            danger: !!deed.danger,
            disabled: !count(deed) && deed.otherwise,
            onChoose: () => choose(deed),
          })),
          { word: "Commands", icon: "copy" as const, onChoose: () => setOpen("commands") },
        ]}
      />
      <span class="spring" />
      <button type="button" class="link" onClick={clear}>
        Clear
      </button>
      {open === "enqueue" && <EnqueueDialog tasks={ready} onClose={close} />}
      {open === "tag" && <TagDialog tasks={chosen} onClose={close} />}
      {open === "commands" && (
        <Commands
          title={`Commands for ${plural(chosen.length, "task")}`}
          commands={commands(chosen)}
          onClose={close}
        />
      )}
      {open && typeof open === "object" && (
        <DeedDialog deed={open} tasks={chosen} onClose={close} onDone={clear} />
      )}
    </div>
  );
}

/** What can be done with these tasks, on the command line: each with those that it fits. */
function commands(tasks: Task[]): Command[] {
  const ready = tasks.filter(canEnqueue).map(({ id }) => id);
  const found = DEEDS.map((deed) => [deed, tasks.filter((task) => fits(deed, task))] as const);
  return [
    ...(ready.length
      ? [["Enqueue", `taskyard enqueue ${ready.join(" ")} --queue default`] as const]
      : []),
    ...found
      .filter(([, fitting]) => fitting.length)
      .map(([deed, fitting]) => [deed.word, deed.command(fitting.map(({ id }) => id))] as const),
  ];
}

function TagDialog({ tasks, onClose }: { tasks: Task[]; onClose: () => void }) {
  const [adds, setAdds] = useState("");
  const known = [...new Set(tasks.flatMap(({ tags }) => tags ?? []))];
  const [drops, setDrops] = useState<string[]>([]);
  const add_tags = adds.split(/[\s,]+/).filter(Boolean);
  const ids = tasks.map(({ id }) => id);
  const save = async () => {
    onClose();
    await tried(() => call("tasks.update_tags", { ids, add_tags, remove_tags: drops }));
  };
  return (
    <Dialog
      title={`Tag ${plural(tasks.length, "task")}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" disabled={!adds && !drops.length} onClick={() => void save()}>
            Save
          </Button>
        </>
      }
    >
      <Field label="Add tags, with spaces between" value={adds} onText={setAdds} />
      {known.length > 0 && (
        <fieldset class="choices">
          <legend>Take away</legend>
          {known.map((tag) => (
            <label key={tag}>
              <input
                type="checkbox"
                checked={drops.includes(tag)}
                onChange={() =>
                  setDrops(drops.includes(tag) ? drops.filter((t) => t !== tag) : [...drops, tag])
                }
              />
              {tag}
            </label>
          ))}
        </fieldset>
      )}
      <CodeBlock
        label="The same on the command line"
        text={[
          "taskyard tag",
          ...ids,
          ...add_tags.map((tag) => `+${tag}`),
          ...drops.map((tag) => `-${tag}`),
        ].join(" ")}
      />
    </Dialog>
  );
}
