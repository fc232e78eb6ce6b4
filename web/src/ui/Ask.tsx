import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { words } from "../api/client";
import { CodeBlock } from "./CodeBlock";
import { Answers, Dialog } from "./Dialog";
import { Notice } from "./parts";

interface AskProps {
  /** Names the object: `Pause gpu-large`. */
  title: string;
  /** Repeats the verb: `Pause`. */
  verb: string;
  label: string;
  start?: string;
  /** May it be left empty? */
  optional?: boolean;
  /** Why a text cannot be; empty when it can. */
  check?: (text: string) => string;
  danger?: boolean;
  /** The command line that does the same. */
  command: (text: string) => string;
  run: (text: string) => Promise<unknown>;
  onClose: () => void;
  /** Says what will happen. */
  children?: ComponentChildren;
}

/** Asks for one line of text, and does something with it. What goes wrong is said at the field. */
export function Ask(props: AskProps) {
  const { title, verb, label, start = "", optional, check, danger, command, run, onClose } = props;
  const [text, setText] = useState(start);
  const [trouble, setTrouble] = useState<unknown>();
  const given = text.trim();
  const wrong = given ? (check?.(given) ?? "") : "";
  const ready = !wrong && (optional || (given && given !== start));
  const submit = async () => {
    try {
      await run(given);
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
        <Answers
          verb={verb}
          danger={danger}
          disabled={!ready}
          onCancel={onClose}
          onClick={() => void submit()}
        />
      }
    >
      {props.children}
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
        {wrong && <small class="wrong">{wrong}</small>}
      </label>
      <CodeBlock label="The same on the command line" text={command(given)} />
    </Dialog>
  );
}
