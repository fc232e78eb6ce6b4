import { useState } from "preact/hooks";
import { call } from "../../api/client";
import { useLive } from "../../live/store";
import { CodeBlock } from "../../ui/CodeBlock";
import { Confirm } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Ago, Button, Card, Nothing, Skeleton } from "../../ui/parts";
import { type Column, Table } from "../../ui/Table";
import { serverAddress } from "../welcome/AddWorker";
import { NewKeys } from "../welcome/NewKeys";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";

interface Key {
  access_key: string;
  label: string | null;
  last_used: string | null;
  last_used_from: string | null;
}

export function Keys() {
  const { data, refresh } = useLive("auth.get_credentials", {}, []);
  const [label, setLabel] = useState("");
  const [made, setMade] = useState(0);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const keys = data.value?.credentials as Key[] | undefined;

  const revoke = async (key: Key) => {
    const ask = { access_key: key.access_key };
    if (await tried(() => call("auth.revoke_credentials", ask))) toast("The key pair is revoked");
    await refresh();
  };
  return (
    <>
      <Card title="A new key pair" note="for commands, agents and scripts">
        <div class="card-body stack">
          <div class="row">
            <Field label="What for" value={label} placeholder="agent on dgx-01" onText={setLabel} />
          </div>
          <NewKeys
            key={made}
            label={label || "made on the page"}
            onMade={() => void refresh()}
            onDone={() => {
              setLabel("");
              setMade(made + 1);
            }}
          />
          <p class="muted">On the machine that is to use it:</p>
          <CodeBlock text={`taskyard init ${serverAddress()}`} label="Connect a machine" />
        </div>
      </Card>
      <Card title="Your key pairs" note={keys?.length}>
        {keys ? (
          <Table
            name="keys"
            label="Key pairs"
            columns={COLUMNS}
            rows={keys}
            id={(key) => key.access_key}
            sort={{ key: "used", descending: true }}
            actions={(key) => (
              <Button kind="danger" onClick={() => setRevoking(key)}>
                Revoke
              </Button>
            )}
            actionsWidth={92}
            empty={<div class="empty">You have no key pair.</div>}
          />
        ) : (
          <Skeleton />
        )}
      </Card>
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.label || revoking.access_key}`}
          verb="Revoke"
          onClose={() => setRevoking(null)}
          onConfirm={() => void revoke(revoking)}
        >
          <p>
            Whatever uses {revoking.access_key} is refused from now on. Sessions that it opened last
            until they expire.
          </p>
        </Confirm>
      )}
    </>
  );
}

const COLUMNS: Column<Key>[] = [
  {
    key: "access",
    head: "Access key",
    phone: true,
    sort: (k) => k.access_key,
    cell: (k) => <code>{k.access_key}</code>,
  },
  { key: "label", head: "What for", phone: true, sort: (k) => k.label, cell: (k) => k.label },
  {
    key: "used",
    head: "Used",
    width: 100,
    number: true,
    sort: (k) => Date.parse(k.last_used ?? ""),
    cell: (k) => <Ago at={k.last_used} />,
  },
  { key: "from", head: "From", width: 150, cell: (k) => k.last_used_from || <Nothing /> },
];
