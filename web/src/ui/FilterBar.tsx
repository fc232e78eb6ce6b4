// Filters that stand in the address: each is a key of the query.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { query, setQuery } from "../router";
import { Icon } from "./icons";
import { Menu } from "./Menu";

export interface Filter {
  /** The key in the address. */
  key: string;
  word: string;
  /** Value and word of all choices. */
  choices: readonly (readonly [string, string])[];
}

/** The values chosen of a filter; none means all. */
export const chosen = (key: string): string[] =>
  (query.value.get(key) ?? "").split(",").filter(Boolean);

export function setFilter(key: string, values: string[]): void {
  setQuery({ [key]: values.join(",") || null });
}

interface FilterBarProps {
  filters: Filter[];
  /** The search field, buttons and counts at the end. */
  children?: ComponentChildren;
}

export function FilterBar({ filters, children }: FilterBarProps) {
  const active = filters.filter(({ key }) => chosen(key).length);
  return (
    <div class="filters" role="search">
      {filters.map((filter) => (
        <FilterMenu key={filter.key} filter={filter} />
      ))}
      {active.length > 0 && (
        <button
          type="button"
          class="link"
          onClick={() => setQuery(Object.fromEntries(active.map(({ key }) => [key, null])))}
        >
          Clear filters
        </button>
      )}
      <span class="spring" />
      {children}
    </div>
  );
}

function FilterMenu({ filter }: { filter: Filter }) {
  const values = chosen(filter.key);
  const words = filter.choices.filter(([value]) => values.includes(value)).map(([, word]) => word);
  const toggle = (value: string) =>
    setFilter(
      filter.key,
      values.includes(value) ? values.filter((v) => v !== value) : [...values, value],
    );
  return (
    <Menu
      label={`Filter by ${filter.word.toLowerCase()}`}
      word={
        <>
          {filter.word}{" "}
          <b>{words.length > 2 ? `${words.length} chosen` : words.join(", ") || "any"}</b>
          <Icon name="down" size={12} />
        </>
      }
    >
      <fieldset class="choices">
        <legend>{filter.word}</legend>
        {filter.choices.map(([value, word]) => (
          <label key={value}>
            <input
              type="checkbox"
              checked={values.includes(value)}
              onChange={() => toggle(value)}
            />
            {word}
          </label>
        ))}
        {!filter.choices.length && <span class="muted">Nothing to choose</span>}
      </fieldset>
    </Menu>
  );
}

interface SearchProps {
  label: string;
  /** The key in the address. */
  param?: string;
  placeholder?: string;
}

const PAUSE = 200;

/** A field to search the page with; `/` goes there. What is typed stands in the address. */
export function Search({ label, param = "q", placeholder }: SearchProps) {
  const current = query.value.get(param) ?? "";
  const [text, setText] = useState(current);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setText(current), [current]);
  return (
    <label class="search">
      <Icon name="search" size={14} />
      <input
        type="search"
        data-search
        aria-label={label}
        placeholder={placeholder ?? label}
        value={text}
        onInput={(event) => {
          const typed = event.currentTarget.value;
          setText(typed);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => setQuery({ [param]: typed || null }), PAUSE);
        }}
      />
    </label>
  );
}
