// The way from an empty server to a first result, in five steps that tick themselves.
import "./welcome.css";
import { signal } from "@preact/signals";
import type { Task } from "../../api/documents";
import { useLive } from "../../live/store";
import { Icon } from "../../ui/icons";
import { Card, IconButton } from "../../ui/parts";

const KEY = "checklist";
const dismissed = signal(localStorage.getItem(KEY) === "done");

export function dismiss(): void {
  dismissed.value = true;
  localStorage.setItem(KEY, "done");
}

export function Checklist({ workers }: { workers: number }) {
  return dismissed.value ? null : <Steps workers={workers} />;
}

const LATEST = {
  only_fields: ["status", "parent"],
  order_by: ["-status_changed"],
  page: 0,
  page_size: 30,
};

function Steps({ workers }: { workers: number }) {
  const latest = useLive("tasks.get_all_ex", LATEST, ["tasks"], { every: 1_000 }).data.value
    ?.tasks as Task[] | undefined;
  if (!latest) return null;
  const steps: [string, boolean][] = [
    ["Start the server", true],
    ["Open its page", true],
    ["Start a worker", workers > 0],
    ["Run a task", latest.some((task) => task.status === "completed")],
    ["Clone it, with another parameter", latest.some((task) => task.parent)],
  ];
  const done = steps.every(([, ticked]) => ticked);
  if (done) return null;
  return (
    <Card
      title="First steps"
      note={`${steps.filter(([, ticked]) => ticked).length} of ${steps.length}`}
      actions={<IconButton icon="cross" label="Do not show the first steps" onClick={dismiss} />}
    >
      <ol class="welcome-steps">
        {steps.map(([word, ticked]) => (
          <li key={word} class={ticked ? "ticked" : ""}>
            <Icon name={ticked ? "tick" : "right"} size={14} />
            {word}
            {ticked && <span class="off-screen">done</span>}
          </li>
        ))}
      </ol>
    </Card>
  );
}
