import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { call, signedIn } from "../../api/client";
import { keysOn, setKeysOn } from "../../keys";
import { readUser, user } from "../../session";
import { density, setDensity, setTheme, theme } from "../../ui/display";
import { Field } from "../../ui/Field";
import { Button, Card, Segmented, type SegmentedProps } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";

const THEMES = [
  ["light", "Light"],
  ["dark", "Dark"],
  ["system", "As the system"],
] as const;
const DENSITIES = [
  ["normal", "Normal"],
  ["compact", "Compact"],
] as const;
const ON_OFF = [
  ["on", "On"],
  ["off", "Off"],
] as const;

export function Profile() {
  return (
    <div class="settings">
      <Card title="You">
        <div class="card-body stack">
          {user.value && <NameForm known={user.value.name ?? ""} />}
          <dl class="facts">
            <dt>Role</dt>
            <dd>{user.value?.role}</dd>
            <dt>Id</dt>
            <dd class="mono">{user.value?.id}</dd>
          </dl>
          <div>
            <Button icon="out" onClick={() => void signOut()}>
              Sign out
            </Button>
          </div>
        </div>
      </Card>
      <Card title="This browser" note="kept here, for this server">
        <dl class="facts card-body settings-choices">
          <Choice label="Colours" chosen={theme.value} onChoose={setTheme} choices={THEMES} />
          <Choice label="Rows" chosen={density.value} onChoose={setDensity} choices={DENSITIES} />
          <Choice
            label="Keys"
            chosen={keysOn.value ? "on" : "off"}
            onChoose={(choice) => setKeysOn(choice === "on")}
            choices={ON_OFF}
          >
            {" "}
            <small>
              <kbd>?</kbd> shows them
            </small>
          </Choice>
        </dl>
      </Card>
    </div>
  );
}

type ChoiceProps<T extends string> = SegmentedProps<T> & { children?: ComponentChildren };

function Choice<T extends string>({ children, ...choice }: ChoiceProps<T>) {
  return (
    <>
      <dt>{choice.label}</dt>
      <dd>
        <Segmented {...choice} />
        {children}
      </dd>
    </>
  );
}

function NameForm({ known }: { known: string }) {
  const [name, setName] = useState(known);
  const save = async (event: Event) => {
    event.preventDefault();
    const done = await tried(() =>
      call("users.update", { user: user.value?.id ?? "", name: name.trim() }),
    );
    if (!done) return;
    await readUser();
    toast("Your name is saved");
  };
  return (
    <form class="row" onSubmit={(event) => void save(event)}>
      <Field label="Name" required autocomplete="name" value={name} onText={setName} />
      <Button type="submit" class="settings-beside" disabled={!name.trim() || name === known}>
        Save
      </Button>
    </form>
  );
}

async function signOut(): Promise<void> {
  if (!(await tried(() => call("login.logout", {})))) return;
  user.value = null;
  signedIn.value = false;
}
