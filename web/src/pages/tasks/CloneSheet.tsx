// Clone, change, enqueue: the core loop in one sheet.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Task } from "../../api/documents";
import { CodeBlock } from "../../ui/CodeBlock";
import { Sheet } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { QueueField, useQueues } from "./EnqueueDialog";
import { ParameterEditor } from "./ParameterEditor";
import { changedFields, fieldsOf, items, quoted, settings, type Typed } from "./parameters";
import { Save } from "./saving";

export function CloneSheet({ task, onClose }: { task: Task; onClose: () => void }) {
  const fields = fieldsOf(task);
  const { queues, first } = useQueues();
  const [name, setName] = useState(`Clone of ${task.name}`);
  const [project, setProject] = useState(task.project?.name ?? "");
  const [picked, pick] = useState("");
  const [typed, setTyped] = useState<Typed>({});
  const before = task.execution?.queue?.id ?? "";
  const chosen = picked || (queues.some(({ id }) => id === before) ? before : first);
  const queue = queues.find(({ id }) => id === chosen);
  const changed = changedFields(fields, typed);

  const make = async () => {
    const { id } = await call("tasks.clone", {
      task: task.id,
      new_task_name: name,
      ...(project !== task.project?.name && project && { new_project_name: project }),
    });
    if (changed.length)
      await call("tasks.edit_hyper_params", { task: id, hyperparams: items(changed) });
    return id;
  };
  const tail = [
    name === `Clone of ${task.name}` ? "" : ` --name ${quoted(name)}`,
    project && project !== task.project?.name ? ` --project ${quoted(project)}` : "",
  ].join("");
  return (
    <Sheet wide title={`Clone ${task.name}`} onClose={onClose}>
      <div class="field-pair">
        <Field label="Name" value={name} onText={setName} />
        <Field label="Project" value={project} onText={setProject} />
      </div>
      {fields.length > 0 ? (
        <ParameterEditor fields={fields} typed={typed} onType={setTyped} />
      ) : (
        <p class="muted">This task has no parameters.</p>
      )}
      <QueueField queues={queues} chosen={chosen} onChoose={pick} />
      <Save
        name={name}
        lacks={name.length < 3 ? "a name of three letters or more" : ""}
        queue={queue}
        make={make}
        onClose={onClose}
      />
      <CodeBlock
        label="The same on the command line"
        text={`taskyard clone ${task.id}${settings(changed)}${tail}${queue ? ` --queue ${quoted(queue.name)}` : ""}`}
      />
    </Sheet>
  );
}
