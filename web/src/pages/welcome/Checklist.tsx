// The way from an empty server to a first result, in five steps that tick themselves.
import "./welcome.css";
import { signal } from "@preact/signals";
import type { Task } from "../../api/documents";
import { Icon } from "../../ui/icons";
import { Card, IconButton } from "../../ui/parts";

const KEY = "checklist";
const dismissed = signal(localStorage.getItem(KEY) === "done");

export function dismiss(): void {
  dismissed.value = true;
  localStorage.setItem(KEY, "done");
}

interface ChecklistProps {
  workers: number;
  latest: Task[];
}

export function Checklist({ workers, latest }: ChecklistProps) {
  const steps: [string, boolean][] = [
    ["Start the server", true],
    ["Open its page", true],
    ["Start a worker", workers > 0],
    ["Run a task", latest.some((task) => task.status === "completed")],
    ["Clone it, with another parameter", latest.some((task) => task.parent)],
  ];
  const done = steps.every(([, ticked]) => ticked);
  if (dismissed.value || done) return null;
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
