// The menu of saved views: to go there, to save what is shown, to forget one.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import { useLive } from "../../live/store";
import { go, query } from "../../router";
import { Answers, Dialog } from "../../ui/Dialog";
import { Menu } from "../../ui/Menu";
import { Button, IconButton } from "../../ui/parts";
import { layoutOf } from "../../ui/table-state";
import { toast } from "../../ui/Toast";
import { tried } from "../../ui/tried";
import { PLACE, queryOf, type View, viewsOf, without, withView } from "./views";

/** `table`: the name under which the table keeps its columns; `hidden`: those it hides by itself. */
export function Views({ table, hidden }: { table: string; hidden: string[] }) {
  const [saving, setSaving] = useState(false);
  const preferences = useLive("users.get_preferences", {}, []);
  const views = viewsOf(preferences.data.value?.preferences ?? {});
  const layout = layoutOf(table, hidden);
  const here = queryOf(query.value);
  const keep = async (next: View[]) => {
    const done = await tried(() =>
      call("users.set_preferences", { preferences: { [PLACE]: next } }),
    );
    await preferences.refresh();
    return done;
  };
  const show = (view: View) => {
    layout.value = { ...layout.value, hidden: view.hidden, order: view.order };
    go(`/tasks${view.query && `?${view.query}`}`);
  };
  const save = async (name: string) => {
    const { hidden, order } = layout.value;
    setSaving(false);
    if (await keep(withView(views, { name, query: here, hidden, order })))
      toast(`${name} is kept among your views`);
  };
  return (
    <>
      <Menu label="Views" word="Views" icon="filter">
        <div class="choices">
          {views.map((view) => (
            <div key={view.name} class="column-choice">
              <button
                type="button"
                class="link"
                aria-current={view.query === here ? "true" : undefined}
                onClick={() => show(view)}
              >
                {view.name}
              </button>
              <span class="spring" />
              <IconButton
                icon="cross"
                label={`Forget ${view.name}`}
                onClick={() => void keep(without(views, view.name))}
              />
            </div>
          ))}
          {!views.length && <span class="muted">No view is saved yet.</span>}
          <Button kind="soft" icon="plus" onClick={() => setSaving(true)}>
            Save this view
          </Button>
        </div>
      </Menu>
      {saving && <SaveView onSave={(name) => void save(name)} onClose={() => setSaving(false)} />}
    </>
  );
}

function SaveView(props: { onSave: (name: string) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const ready = name.trim().length > 0;
  return (
    <Dialog
      title="Save this view"
      onClose={props.onClose}
      actions={
        <Answers
          verb="Save"
          disabled={!ready}
          onCancel={props.onClose}
          onClick={() => props.onSave(name.trim())}
        />
      }
    >
      <label class="field">
        Name
        <input
          value={name}
          ref={(input) => input?.focus()}
          onInput={(event) => setName(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && ready && props.onSave(name.trim())}
        />
      </label>
      <p class="muted">
        Filters, order and columns, as they are now. A view of this name is replaced.
      </p>
    </Dialog>
  );
}
