import { useState } from "preact/hooks";
import { call, signedIn } from "../../api/client";
import { keysOn, setKeysOn } from "../../keys";
import { readUser, user } from "../../session";
import { density, setDensity, setTheme, theme } from "../../ui/display";
import { Button, Card, Segmented } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";

export function Profile() {
  return (
    <div class="settings">
      <Card title="You">
        <div class="card-body stack">
          <NameForm />
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
          <dt>Colours</dt>
          <dd>
            <Segmented
              label="Colours"
              chosen={theme.value}
              onChoose={setTheme}
              choices={[
                ["light", "Light"],
                ["dark", "Dark"],
                ["system", "As the system"],
              ]}
            />
          </dd>
          <dt>Rows</dt>
          <dd>
            <Segmented
              label="Rows"
              chosen={density.value}
              onChoose={setDensity}
              choices={[
                ["normal", "Normal"],
                ["compact", "Compact"],
              ]}
            />
          </dd>
          <dt>Keys</dt>
          <dd>
            <Segmented
              label="Keys"
              chosen={keysOn.value ? "on" : "off"}
              onChoose={(choice) => setKeysOn(choice === "on")}
              choices={[
                ["on", "On"],
                ["off", "Off"],
              ]}
            />{" "}
            <small>
              <kbd>?</kbd> shows them
            </small>
          </dd>
        </dl>
      </Card>
    </div>
  );
}

function NameForm() {
  const known = user.value?.name ?? "";
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
      <label class="field">
        Name
        <input
          required
          autocomplete="name"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
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
