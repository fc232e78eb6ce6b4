import { useState } from "preact/hooks";
import { call, words } from "../../api/client";
import { CodeBlock } from "../../ui/CodeBlock";
import { Button } from "../../ui/parts";
import { toast } from "../../ui/Toast";

interface Keys {
  access_key: string;
  secret_key: string;
}

/** Makes a key pair and shows it: this once, as the server keeps no secret. */
export function NewKeys({ label, onMade }: { label: string; onMade?: () => void }) {
  const [keys, setKeys] = useState<Keys | null>(null);
  const make = async () => {
    try {
      setKeys((await call("auth.create_credentials", { label })).credentials);
      onMade?.();
    } catch (error) {
      const { what, hint } = words(error);
      toast(what, { tone: "bad", hint });
    }
  };
  if (!keys)
    return (
      <Button icon="key" onClick={() => void make()}>
        Make a key pair
      </Button>
    );
  return (
    <span class="new-keys stack">
      <span>Keep these now: the secret key is not shown again.</span>
      <CodeBlock text={keys.access_key} label="Access key" />
      <CodeBlock text={keys.secret_key} label="Secret key" />
    </span>
  );
}
