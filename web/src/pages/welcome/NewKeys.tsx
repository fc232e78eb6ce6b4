import { useState } from "preact/hooks";
import { call } from "../../api/client";
import { CodeBlock } from "../../ui/CodeBlock";
import { Button } from "../../ui/parts";
import { tried } from "../../ui/tried";

interface Keys {
  access_key: string;
  secret_key: string;
}

interface NewKeysProps {
  /** What the key pair is for. */
  label: string;
  onMade?: () => void;
  /** Offers a button for when the keys were taken down. */
  onDone?: () => void;
}

/** Makes a key pair and shows it: this once, as the server keeps no secret. */
export function NewKeys({ label, onMade, onDone }: NewKeysProps) {
  const [keys, setKeys] = useState<Keys | null>(null);
  const make = () =>
    tried(async () => {
      setKeys((await call("auth.create_credentials", { label })).credentials);
      onMade?.();
    });
  if (!keys)
    return (
      <span>
        <Button icon="key" onClick={() => void make()}>
          Make a key pair
        </Button>
      </span>
    );
  return (
    <span class="new-keys stack" role="status">
      <span>Take these down now: the secret key is not shown again.</span>
      <CodeBlock text={keys.access_key} label="Access key" />
      <CodeBlock text={keys.secret_key} label="Secret key" />
      {onDone && (
        <span>
          <Button onClick={onDone}>I have them</Button>
        </span>
      )}
    </span>
  );
}
