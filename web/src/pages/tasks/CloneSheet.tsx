// Clone, change, enqueue: the core loop in one sheet.
import { useEffect, useState } from "preact/hooks";
import { call, words } from "../../api/client";
import type { Task } from "../../api/documents";
import { go } from "../../router";
import { CodeBlock } from "../../ui/CodeBlock";
import { Sheet } from "../../ui/Dialog";
import { Button, Notice } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { QueueField, useQueues } from "./EnqueueDialog";
import { ParameterEditor } from "./ParameterEditor";
import { changedFields, fieldsOf, items, quoted, settings, type Typed } from "./parameters";

export function CloneSheet({ task, onClose }: { task: Task; onClose: () => void }) {
  const fields = fieldsOf(task);
  const { queues, first } = useQueues();
  const [name, setName] = useState(`Clone of ${task.name}`);
  const [project, setProject] = useState(task.project?.name ?? "");
  const [picked, pick] = useState("");
  const [typed, setTyped] = useState<Typed>({});
  const [trouble, setTrouble] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const before = task.execution?.queue?.id ?? "";
  const chosen = picked || (queues.some(({ id }) => id === before) ? before : first);
  const queue = queues.find(({ id }) => id === chosen)?.name ?? "";
  const changed = changedFields(fields, typed);

  const save = async (enqueued: boolean) => {
    setBusy(true);
    setTrouble(undefined);
    try {
      const ask = { task: task.id, new_task_name: name };
      const { id } = await call("tasks.clone", {
        ...ask,
        ...(project !== task.project?.name && project && { new_project_name: project }),
      });
      if (changed.length)
        await call("tasks.edit_hyper_params", { task: id, hyperparams: items(changed) });
      if (enqueued) await call("tasks.enqueue", { task: id, queue: chosen });
      toast(enqueued ? `${name} waits in ${queue}` : `${name} is a draft`);
      onClose();
      go(`/tasks/${id}${enqueued ? "/console" : "/config"}`);
    } catch (error) {
      setTrouble(error);
      setBusy(false);
    }
  };
  useEffect(() => {
    const submit = (event: KeyboardEvent) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save(true);
    };
    document.addEventListener("keydown", submit);
    return () => document.removeEventListener("keydown", submit);
  });
  const tail = [
    name === `Clone of ${task.name}` ? "" : ` --name ${quoted(name)}`,
    project && project !== task.project?.name ? ` --project ${quoted(project)}` : "",
  ].join("");
  return (
    <Sheet wide title={`Clone ${task.name}`} onClose={onClose}>
      {trouble !== undefined && (
        <Notice tone="bad">
          {words(trouble).what}
          {words(trouble).hint && <div>{words(trouble).hint}</div>}
        </Notice>
      )}
      <div class="field-pair">
        <label class="field">
          Name
          <input value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label class="field">
          Project
          <input value={project} onInput={(event) => setProject(event.currentTarget.value)} />
        </label>
      </div>
      {fields.length > 0 ? (
        <ParameterEditor fields={fields} typed={typed} onType={setTyped} />
      ) : (
        <p class="muted">This task has no parameters.</p>
      )}
      <QueueField queues={queues} chosen={chosen} onChoose={pick} />
      <div class="sheet-actions">
        <Button disabled={busy || name.length < 3} onClick={() => void save(false)}>
          Save draft
        </Button>
        <Button
          kind="primary"
          disabled={busy || name.length < 3 || !chosen}
          data-tip="Ctrl Enter"
          onClick={() => void save(true)}
        >
          Save and enqueue
        </Button>
      </div>
      <CodeBlock
        label="The same on the command line"
        text={`taskyard clone ${task.id}${settings(changed)}${tail}${queue ? ` --queue ${quoted(queue)}` : ""}`}
      />
    </Sheet>
  );
}
