// A new task from code that somebody names or pastes: what `taskyard submit` does from a folder.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import { CodeBlock } from "../../ui/CodeBlock";
import { Sheet } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Segmented } from "../../ui/parts";
import { QueueField, useQueues } from "./EnqueueDialog";
import { bodyOf, commandOf, type Draft, EMPTY, missing, nameOf } from "./newTask";
import { Save } from "./saving";

type Text = Exclude<keyof Draft, "from">;

export function NewTask({ onClose }: { onClose: () => void }) {
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const { queues, first } = useQueues();
  const [picked, pick] = useState("");
  const chosen = picked || first;
  const queue = queues.find(({ id }) => id === chosen);
  const pasted = draft.from === "script";

  const make = async () =>
    (await call("tasks.create", bodyOf(draft, await projectOf(draft.project)))).id;
  const type = (key: Text) => (text: string) => setDraft({ ...draft, [key]: text });
  const field = (key: Text, label: string, placeholder = "") => (
    <Field label={label} value={draft[key]} placeholder={placeholder} onText={type(key)} />
  );
  const area = (key: Text, label: string, rows: number, placeholder = "") => (
    <label class="field">
      {label}
      <textarea
        class="mono"
        rows={rows}
        spellcheck={false}
        value={draft[key]}
        placeholder={placeholder}
        onInput={(event) => type(key)(event.currentTarget.value)}
      />
    </label>
  );
  return (
    <Sheet wide title="New task" onClose={onClose}>
      <div>
        <Segmented
          label="Where its code is"
          choices={[
            ["repository", "In a repository"],
            ["script", "Pasted here"],
          ]}
          chosen={draft.from}
          onChoose={(from) => setDraft({ ...draft, from })}
        />
      </div>
      {pasted ? (
        <>
          {field("script", "Called", "train.py")}
          {area("text", "Script", 10)}
        </>
      ) : (
        <>
          {field("repository", "Repository", "https://git.example.com/team/code.git")}
          <div class="field-pair">
            {field("branch", "Branch or tag", "the default branch")}
            {field("commit", "Commit", "the newest")}
          </div>
          <div class="field-pair">
            {field("script", "Script, or -m module", "train.py")}
            {field("folder", "Folder to run it in", "the repository's root")}
          </div>
        </>
      )}
      <div class="field-pair">
        {area("args", "Arguments, one a line", 3, "lr=0.1\nverbose")}
        {area("packages", "Packages, one a line", 3, pasted ? "numpy" : "as the code lists them")}
      </div>
      <div class="field-pair">
        {field("name", "Name", nameOf(draft))}
        {field("project", "Project", "none")}
      </div>
      {field("image", "Container image", "the agent's, where it uses them")}
      <QueueField queues={queues} chosen={chosen} onChoose={pick} />
      <Save
        name={nameOf(draft)}
        lacks={missing(draft)}
        queue={queue}
        make={make}
        onClose={onClose}
      />
      {pasted && <small class="muted">With the script saved there, this does the same:</small>}
      <CodeBlock label="The same on the command line" text={commandOf(draft, queue?.name ?? "")} />
    </Sheet>
  );
}

/** The id of a project by its name; made when it is new. */
async function projectOf(name: string): Promise<string | undefined> {
  const wanted = name.trim();
  if (!wanted) return undefined;
  const exactly = `^${wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
  const ask = { name: exactly, only_fields: ["id"], search_hidden: true };
  const found = (await call("projects.get_all", ask)).projects as unknown as { id: string }[];
  return found[0]?.id ?? (await call("projects.create", { name: wanted, description: "" })).id;
}
