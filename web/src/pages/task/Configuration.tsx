// What a task is made of. A draft's parameters are edited in place.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Task } from "../../api/documents";
import { CodeBlock } from "../../ui/CodeBlock";
import { Button, Card, Notice, Segmented } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";
import { ParameterEditor } from "../tasks/ParameterEditor";
import { changedFields, fieldsOf, items, settings, type Typed } from "../tasks/parameters";
import { Diff } from "./Diff";
import { Facts } from "./Facts";

export function Configuration({ task }: { task: Task }) {
  const script = task.script ?? {};
  const container = task.container ?? {};
  return (
    <>
      <Parameters task={task} />
      <Card title="Code">
        <Facts
          facts={[
            ["Repository", script.repository],
            ["Branch", script.branch],
            ["Commit", script.version_num && <code>{script.version_num}</code>],
            ["Tag", script.tag],
            ["Folder", script.working_dir],
            ["Entry", script.entry_point && <code>{script.entry_point}</code>],
            ["Interpreter", script.binary && <code>{script.binary}</code>],
          ]}
          empty="This task has no code."
        />
      </Card>
      {script.diff && <Diff text={script.diff} />}
      <Packages task={task} />
      {(container.image || container.setup_shell_script) && (
        <Card title="Container">
          <Facts
            facts={[
              ["Image", container.image && <code>{container.image}</code>],
              ["Arguments", container.arguments && <code>{container.arguments}</code>],
            ]}
          />
          {container.setup_shell_script && (
            <div class="card-body">
              <CodeBlock label="Set-up script" text={container.setup_shell_script} />
            </div>
          )}
        </Card>
      )}
      {Object.entries(task.configuration ?? {}).map(([name, item]) => (
        <Card key={name} title={name} note={item.type || "configuration"}>
          <div class="card-body">
            <CodeBlock label={name} text={item.value ?? ""} />
          </div>
        </Card>
      ))}
    </>
  );
}

function Parameters({ task }: { task: Task }) {
  const fields = fieldsOf(task);
  const [typed, setTyped] = useState<Typed>({});
  const changed = changedFields(fields, typed);
  const draft = task.status === "created";
  const save = async () => {
    const done = await tried(() =>
      call("tasks.edit_hyper_params", { task: task.id, hyperparams: items(changed) }),
    );
    if (!done) return;
    setTyped({});
    toast(`Changed ${changed.map(({ name }) => name).join(", ")}`);
  };
  if (!fields.length)
    return (
      <Card title="Parameters">
        <div class="empty">This task has no parameters.</div>
      </Card>
    );
  if (!draft)
    return (
      <Card title="Parameters" note="Clone the task to change them">
        {[...new Set(fields.map(({ section }) => section))].map((section) => (
          <Facts
            key={section}
            title={section}
            facts={fields
              .filter((field) => field.section === section)
              .map((field) => [field.name, <code key={field.key}>{field.value}</code>])}
          />
        ))}
      </Card>
    );
  return (
    <Card
      title="Parameters"
      note="of a draft: type over a value to change it"
      actions={
        <Button kind="primary" disabled={!changed.length} onClick={() => void save()}>
          Save
        </Button>
      }
    >
      <div class="card-body">
        <ParameterEditor fields={fields} typed={typed} onType={setTyped} />
        {changed.length > 0 && (
          <CodeBlock
            label="The same on the command line"
            text={`taskyard edit ${task.id}${settings(changed)}`}
          />
        )}
      </div>
    </Card>
  );
}

function Packages({ task }: { task: Task }) {
  const { pip = "", conda = "", org_pip: asked = "" } = task.script?.requirements ?? {};
  const [which, setWhich] = useState<"asked" | "used">("used");
  const text = which === "asked" && asked ? asked : pip;
  if (!pip && !conda)
    return (
      <Card title="Packages">
        <div class="empty">
          {task.status === "created" || task.status === "queued"
            ? "From the repository's own files, if it has any. What was installed is shown here after a run."
            : "None were recorded."}
        </div>
      </Card>
    );
  return (
    <Card
      title="Packages"
      actions={
        asked && (
          <Segmented
            label="Which packages"
            choices={[
              ["asked", "Asked for"],
              ["used", "Installed"],
            ]}
            chosen={which}
            onChoose={setWhich}
          />
        )
      }
    >
      <div class="card-body">
        {pip && <CodeBlock label="Packages" text={text} />}
        {conda && <CodeBlock label="Conda packages" text={conda} />}
        {!pip && <Notice>Only conda packages.</Notice>}
      </div>
    </Card>
  );
}
