// A table of parameters whose values are typed over; what changed is marked.
import "./parameters.css";
import { useState } from "preact/hooks";
import { IconButton } from "../../ui/parts";
import type { Field, Typed } from "./parameters";

interface ParameterEditorProps {
  fields: Field[];
  typed: Typed;
  onType: (typed: Typed) => void;
}

/** With more parameters than these there is a field to find one. */
const MANY = 12;

export function ParameterEditor({ fields, typed, onType }: ParameterEditorProps) {
  const [filter, setFilter] = useState("");
  const [onlyChanged, setOnlyChanged] = useState(false);
  const isChanged = (field: Field) => (typed[field.key] ?? field.value) !== field.value;
  const shown = fields.filter(
    (field) =>
      field.key.toLowerCase().includes(filter.toLowerCase()) && (!onlyChanged || isChanged(field)),
  );
  const changed = fields.filter(isChanged).length;
  const sections = [...new Set(shown.map(({ section }) => section))];
  return (
    <div class="parameters">
      <div class="filters">
        {fields.length > MANY && (
          <input
            class="text"
            type="search"
            aria-label="Filter parameters"
            placeholder="Filter parameters"
            value={filter}
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
        )}
        <span class="spring" />
        <span class="muted">{changed} changed</span>
        {changed > 0 && (
          <>
            <label class="check-field">
              <input
                type="checkbox"
                checked={onlyChanged}
                onChange={() => setOnlyChanged(!onlyChanged)}
              />{" "}
              Only these
            </label>
            <button type="button" class="link" onClick={() => onType({})}>
              Undo all
            </button>
          </>
        )}
      </div>
      {sections.map((section) => (
        <fieldset key={section}>
          <legend>{section}</legend>
          {shown
            .filter((field) => field.section === section)
            .map((field) => (
              <Row
                key={field.key}
                field={field}
                value={typed[field.key] ?? field.value}
                onType={(value) => onType({ ...typed, [field.key]: value })}
              />
            ))}
        </fieldset>
      ))}
    </div>
  );
}

interface RowProps {
  field: Field;
  value: string;
  onType: (value: string) => void;
}

function Row({ field, value, onType }: RowProps) {
  const changed = value !== field.value;
  const long = field.value.length > 60 || field.value.includes("\n");
  const common = {
    "aria-label": field.key,
    value,
    spellcheck: false,
    class: "text mono",
  };
  return (
    <div class={`parameter ${changed ? "changed" : ""}`}>
      <span class="parameter-name" title={field.description || field.key}>
        {field.name}
      </span>
      {long ? (
        <textarea {...common} rows={3} onInput={(event) => onType(event.currentTarget.value)} />
      ) : (
        <input {...common} onInput={(event) => onType(event.currentTarget.value)} />
      )}
      <span class="parameter-note muted">
        {changed ? (
          <>
            was <code>{field.value || "empty"}</code>
          </>
        ) : (
          field.type
        )}
      </span>
      {changed && <IconButton icon="retry" label="Undo" onClick={() => onType(field.value)} />}
    </div>
  );
}
