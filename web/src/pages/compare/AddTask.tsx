import { useEffect, useState } from "preact/hooks";
import type { Task } from "../../api/documents";
import { searchTasks } from "../../api/search";
import { Dialog } from "../../ui/Dialog";
import { Button } from "../../ui/parts";
import { StatusPill } from "../../ui/Pill";
import { complain } from "../../ui/tried";

interface AddTaskProps {
  /** Ids that are there already. */
  without: string[];
  onAdd: (id: string) => void;
}

/** A button that asks for one more task. */
export function AddTask({ without, onAdd }: AddTaskProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button kind="primary" icon="plus" onClick={() => setOpen(true)}>
        Add a task
      </Button>
      {open && (
        <Picker
          without={without}
          onClose={() => setOpen(false)}
          onPick={(id) => {
            setOpen(false);
            onAdd(id);
          }}
        />
      )}
    </>
  );
}

const SHOWN = 20;
const PAUSE = 150;

interface PickerProps {
  without: string[];
  onClose: () => void;
  onPick: (id: string) => void;
}

function Picker({ without, onClose, onPick }: PickerProps) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Task[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      searchTasks(text.trim(), SHOWN, stop.signal).then(setFound, (error: unknown) => {
        if (!stop.signal.aborted) complain(error);
      });
    }, PAUSE);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [text]);
  return (
    <Dialog title="Add a task" onClose={onClose} class="palette">
      <input
        type="search"
        aria-label="Name or id"
        placeholder="Name or id"
        autofocus
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <ul class="compare-found">
        {found
          .filter(({ id }) => !without.includes(id))
          .map((task) => (
            <li key={task.id}>
              <button type="button" class="link" onClick={() => onPick(task.id)}>
                {task.name || task.id}
              </button>
              <StatusPill status={task.status} />
            </li>
          ))}
      </ul>
    </Dialog>
  );
}
