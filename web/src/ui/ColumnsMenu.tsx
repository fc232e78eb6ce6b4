// Which columns of a table are shown, and in which order.
import { IconButton } from "./parts";
import { Menu } from "./Menu";
import type { Column } from "./Table";
import { arranged, layoutOf, moved } from "./table-state";

export function ColumnsMenu<Row>({ name, columns }: { name: string; columns: Column<Row>[] }) {
  const layout = layoutOf(
    name,
    columns.filter((c) => c.extra).map((c) => c.key),
  );
  const { hidden, order } = layout.value;
  const all = arranged(columns, order);
  const keys = all.map(({ key }) => key);
  const move = (key: string, by: number) => {
    layout.value = { ...layout.value, order: moved(keys, key, by) };
  };
  return (
    <Menu label="Columns" word="Columns" icon="columns">
      <fieldset class="choices">
        <legend>Columns</legend>
        {all.map(({ key, head }, at) => (
          <div key={key} class="column-choice">
            <label>
              <input
                type="checkbox"
                checked={!hidden.includes(key)}
                onChange={() => {
                  const next = hidden.includes(key)
                    ? hidden.filter((k) => k !== key)
                    : [...hidden, key];
                  layout.value = { ...layout.value, hidden: next };
                }}
              />
              {head}
            </label>
            <IconButton
              icon="up"
              label={`${head} further to the left`}
              disabled={at === 0}
              onClick={() => move(key, -1)}
            />
            <IconButton
              icon="down"
              label={`${head} further to the right`}
              disabled={at === all.length - 1}
              onClick={() => move(key, 1)}
            />
          </div>
        ))}
      </fieldset>
    </Menu>
  );
}
