import "./Toast.css";
import { signal } from "@preact/signals";
import { Button, IconButton } from "./parts";

interface Message {
  id: number;
  text: string;
  tone: "plain" | "bad";
  hint: string;
  undo?: () => unknown;
}

const messages = signal<Message[]>([]);
let next = 1;

/** How long a message stays, and with it the chance to undo: milliseconds. */
const STAYS = 10_000;

interface ToastOptions {
  tone?: "plain" | "bad";
  hint?: string;
  /** Takes back what was done. */
  undo?: () => unknown;
}

/** Say something in the corner for ten seconds. */
export function toast(text: string, options: ToastOptions = {}): void {
  const { tone = "plain", hint = "", undo } = options;
  const id = next++;
  messages.value = [...messages.value.slice(-3), { id, text, tone, hint, ...(undo && { undo }) }];
  setTimeout(() => dismiss(id), STAYS);
}

function dismiss(id: number): void {
  messages.value = messages.value.filter((message) => message.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="log" aria-live="polite" aria-label="Messages">
      {messages.value.map(({ id, text, tone, hint, undo }) => (
        <div key={id} class={`toast ${tone}`}>
          <div>
            {text}
            {hint && <div class="muted">{hint}</div>}
          </div>
          {undo && (
            <Button
              kind="soft"
              onClick={() => {
                dismiss(id);
                undo();
              }}
            >
              Undo
            </Button>
          )}
          <IconButton icon="cross" label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
