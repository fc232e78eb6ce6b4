// Parameters as one edits them: what was, what is wanted, and what that changes. No I/O.
import type { Parameter, Task } from "../../api/documents";

export interface Field extends Parameter {
  key: string;
}

/** All parameters of a task in the order of its sections. */
export const fieldsOf = (task: Pick<Task, "hyperparams">): Field[] =>
  Object.entries(task.hyperparams ?? {}).flatMap(([section, items]) =>
    Object.entries(items).map(([name, item]) => ({
      ...item,
      section,
      name,
      value: String(item.value ?? ""),
      key: `${section}/${name}`,
    })),
  );

/** What was typed, by key. Those typed back to what they were are no changes. */
export type Typed = Readonly<Record<string, string>>;

export const changedFields = (fields: Field[], typed: Typed): Field[] =>
  fields
    .filter(({ key, value }) => key in typed && typed[key] !== value)
    .map((field) => ({ ...field, value: typed[field.key] as string }));

/** As `tasks.edit_hyper_params` takes them. */
export const items = (fields: Field[]) =>
  fields.map(({ section, name, value }) => ({ section, name, value }));

/** A word of a command line. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;

/** The `--set` words of a command that makes these changes. */
export const settings = (fields: Field[]): string =>
  fields.map(({ key, value }) => ` --set ${quoted(`${key}=${value}`)}`).join("");
