// What can be done with the tasks that are selected; each deed says for how many it fits.
import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Task } from "../../api/documents";
import { go } from "../../router";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { plural } from "../../ui/format";
import { Menu } from "../../ui/Menu";
import { Button } from "../../ui/parts";
import { tried } from "../../ui/tried";
import { ABORT, ARCHIVE, canEnqueue, DEEDS, type Deed, fits, perform } from "./deeds";
import { EnqueueDialog } from "./EnqueueDialog";

const MOST_COMPARED = 10;
const SHOWN: readonly Deed[] = [ABORT, ARCHIVE];

interface BatchBarProps {
  tasks: Task[];
  selected: Signal<ReadonlySet<string>>;
}

export function BatchBar({ tasks, selected }: BatchBarProps) {
  const [open, setOpen] = useState<Deed | "enqueue" | "tag" | null>(null);
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
        items={DEEDS.filter((deed) => !SHOWN.includes(deed)).map((deed) => ({
          word: word(deed),
          icon: deed.icon,
          danger: !!deed.danger,
          disabled: !count(deed) && deed.otherwise,
          onChoose: () => choose(deed),
        }))}
      />
      <span class="spring" />
      <button type="button" class="link" onClick={clear}>
        Clear
      </button>
      {open === "enqueue" && <EnqueueDialog tasks={ready} onClose={close} />}
      {open === "tag" && <TagDialog tasks={chosen} onClose={close} />}
      {open && typeof open === "object" && (
        <Confirm
          title={word(open)}
          verb={open.word}
          danger={!!open.danger}
          onClose={close}
          onConfirm={() => void perform(open, chosen).then(clear)}
        >
          <p>{open.ask?.(plural(count(open), "task"))}</p>
        </Confirm>
      )}
    </div>
  );
}

function TagDialog({ tasks, onClose }: { tasks: Task[]; onClose: () => void }) {
  const [adds, setAdds] = useState("");
  const known = [...new Set(tasks.flatMap(({ tags }) => tags ?? []))];
  const [drops, setDrops] = useState<string[]>([]);
  const save = async () => {
    const add_tags = adds.split(/[\s,]+/).filter(Boolean);
    const ids = tasks.map(({ id }) => id);
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
    </Dialog>
  );
}
