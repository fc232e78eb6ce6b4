// What a task made and what it took: artifacts and models, to be downloaded.
import { call } from "../../api/client";
import type { Artifact, Task } from "../../api/documents";
import { useFresh } from "../../live/store";
import { CodeBlock } from "../../ui/CodeBlock";
import { bytes } from "../../ui/format";
import { Card, EmptyState, Nothing } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";

interface TaskModel {
  name?: string;
  model?: { id: string; name?: string; uri?: string; framework?: string };
}

/** A link to what lies at an address; other places than the web are told, not linked. */
function Place({ uri }: { uri: string | undefined }) {
  if (!uri) return <Nothing />;
  if (!/^https?:/.test(uri)) return <code title={uri}>{uri}</code>;
  const name = decodeURIComponent(uri.split("/").at(-1) ?? uri);
  return (
    <a href={uri} download={name} title={uri} rel="noreferrer">
      {name}
    </a>
  );
}

const ARTIFACTS: Column<Artifact>[] = [
  { key: "key", head: "Name", phone: true, sort: (a) => a.key, cell: (a) => a.key },
  { key: "type", head: "Type", width: 120, cell: (a) => a.type ?? <Nothing /> },
  {
    key: "size",
    head: "Size",
    width: 110,
    number: true,
    phone: true,
    sort: (a) => a.content_size,
    cell: (a) => (a.content_size === undefined ? <Nothing /> : bytes(a.content_size)),
  },
  { key: "uri", head: "File", phone: true, cell: (a) => <Place uri={a.uri} /> },
];

const MODELS: Column<TaskModel>[] = [
  {
    key: "name",
    head: "Name",
    phone: true,
    cell: (m) => m.name || m.model?.name || m.model?.id || <Nothing />,
  },
  {
    key: "framework",
    head: "Framework",
    width: 140,
    cell: (m) => m.model?.framework || <Nothing />,
  },
  { key: "uri", head: "File", phone: true, cell: (m) => <Place uri={m.model?.uri} /> },
];

export function Artifacts({ task }: { task: Task }) {
  const artifacts = task.execution?.artifacts ?? [];
  const input = useModels((task.models?.input ?? []) as TaskModel[]);
  const output = useModels((task.models?.output ?? []) as TaskModel[]);
  if (!artifacts.length && !input.length && !output.length)
    return (
      <EmptyState title="No artifacts or models">
        <p>{task.status === "created" ? "This task has not run." : "It kept none."}</p>
        <CodeBlock
          label="How to keep something"
          text={'task.upload_artifact("table", artifact_object=frame)'}
        />
      </EmptyState>
    );
  return (
    <>
      {artifacts.length > 0 && (
        <Card title="Artifacts" note={artifacts.length}>
          <Table
            name="artifacts"
            label="Artifacts"
            columns={ARTIFACTS}
            rows={artifacts}
            id={(a) => a.key}
          />
        </Card>
      )}
      {artifacts
        .filter(({ type_data: data }) => data?.preview)
        .map(({ key, type_data: data }) => (
          <Card key={key} title={key} note="preview">
            <div class="card-body">
              <CodeBlock label={`Preview of ${key}`} text={data?.preview ?? ""} />
            </div>
          </Card>
        ))}
      <Models title="Models it made" models={output} />
      <Models title="Models it took" models={input} />
    </>
  );
}

/** The models of a task with where they lie, which its document does not say. */
function useModels(models: TaskModel[]): TaskModel[] {
  const ids = models.flatMap(({ model }) => (model ? [model.id] : []));
  const { data } = useFresh(
    ["models", ...ids],
    async (abort) => {
      if (!ids.length) return [];
      const ask = { id: ids, only_fields: ["id", "name", "uri", "framework"] };
      return (await call("models.get_all_ex", ask, { signal: abort })).models;
    },
    [],
  );
  const known = new Map((data.value as TaskModel["model"][] | undefined)?.map((m) => [m?.id, m]));
  return models.map(
    (one) => ({ ...one, model: known.get(one.model?.id) ?? one.model }) as TaskModel,
  );
}

function Models({ title, models }: { title: string; models: TaskModel[] }) {
  if (!models.length) return null;
  return (
    <Card title={title} note={models.length}>
      <Table
        name="models"
        label={title}
        columns={MODELS}
        rows={models}
        id={(m) => m.model?.id ?? m.name ?? ""}
        sorted
      />
    </Card>
  );
}
