// The small parts that every page is put together from.
import type { ComponentChildren, JSX } from "preact";
import { href } from "../base";
import { absolute, duration, secondsSince } from "./format";
import { Icon, type IconName } from "./icons";

export type ButtonProps = Omit<JSX.IntrinsicElements["button"], "icon"> & {
  kind?: "primary" | "soft" | "danger";
  icon?: IconName;
};

/** A button. One primary button a view. */
export function Button({ kind, icon, children, class: extra, ...rest }: ButtonProps) {
  return (
    <button type="button" class={`btn ${kind ?? ""} ${extra ?? ""}`} {...rest}>
      {icon && <Icon name={icon} size={14} />}
      {children}
    </button>
  );
}

/** A button with a sign alone; the label is for those who cannot see it. */
export function IconButton(props: Omit<ButtonProps, "icon"> & { icon: IconName; label: string }) {
  const { icon, label, class: extra, kind: _kind, ...rest } = props;
  return (
    <button
      type="button"
      class={`icon-btn ${extra ?? ""}`}
      aria-label={label}
      data-tip={label}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
}

/** A link to a page of ours: `to` is its path. */
export function A({
  to,
  children,
  ...rest
}: Omit<JSX.IntrinsicElements["a"], "role"> & { to: string }) {
  return (
    <a href={href(to)} {...rest}>
      {children}
    </a>
  );
}

export function TaskLink({ task }: { task: { id: string; name?: string } | undefined | null }) {
  if (!task?.id) return <Nothing />;
  return (
    <A to={`/tasks/${task.id}`} title={task.name}>
      {task.name || task.id}
    </A>
  );
}

/** What stands where there is no value. */
export const Nothing = () => <span class="muted">–</span>;

interface CardProps {
  title?: ComponentChildren;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  class?: string;
  children?: ComponentChildren;
}

export function Card({ title, note, actions, class: extra, children }: CardProps) {
  return (
    <section class={`card ${extra ?? ""}`}>
      {(title || actions) && (
        <div class="card-head">
          {title && <h2>{title}</h2>}
          {note !== undefined && <small>{note}</small>}
          <span class="spring" />
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

interface KpiProps {
  label: string;
  value: ComponentChildren;
  unit?: ComponentChildren;
  note?: ComponentChildren;
  warn?: boolean;
}

/** One large number and what it says. */
export function Kpi({ label, value, unit, note, warn }: KpiProps) {
  return (
    <div class="card kpi">
      <div class="kpi-label">{label}</div>
      <div class="kpi-value num">
        {value} {unit !== undefined && <small>{unit}</small>}
      </div>
      <div class={`kpi-note ${warn ? "warn" : ""}`}>{note ?? "\u00a0"}</div>
    </div>
  );
}

/** A bar of how much of something is used; `share` is 0 to 1. */
export function Meter({
  share,
  warnAt = 0.9,
  label,
}: {
  share: number;
  warnAt?: number;
  label: string;
}) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <span
      class={`meter ${share >= warnAt ? "high" : ""}`}
      role="meter"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <i style={{ width: `${percent}%` }} />
    </span>
  );
}

interface EmptyProps {
  title: ComponentChildren;
  children?: ComponentChildren;
}

/** What an empty place says: why it is empty, and what to do next. */
export function EmptyState({ title, children }: EmptyProps) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** How long ago, kept up to date; the moment itself in the tip. */
export function Ago({ at }: { at: string | undefined | null }) {
  const seconds = secondsSince(at);
  if (Number.isNaN(seconds)) return <Nothing />;
  return (
    <time class="num" dateTime={at ?? ""} data-tip={absolute(at)}>
      {duration(seconds)}
    </time>
  );
}

/** A span of time between two moments, or until now while it has no end. */
export function Span({ from, to }: { from?: string | null; to?: string | null }) {
  if (!from) return <Nothing />;
  const until = to ? (Date.parse(to) - Date.parse(from)) / 1000 : secondsSince(from);
  return (
    <span class="num" data-tip={`${absolute(from)}${to ? ` to ${absolute(to)}` : ""}`}>
      {duration(until)}
    </span>
  );
}

/** Something that is in a hurry to be read: a failure, a queue without workers. */
export function Notice(props: {
  tone?: "warn" | "bad" | "info";
  children: ComponentChildren;
  actions?: ComponentChildren;
}) {
  return (
    <div class={`notice ${props.tone ?? "info"}`} role={props.tone === "bad" ? "alert" : undefined}>
      <div class="notice-text">{props.children}</div>
      {props.actions}
    </div>
  );
}

export interface SegmentedProps<T extends string> {
  label: string;
  choices: readonly (readonly [T, string])[];
  chosen: T;
  onChoose: (choice: T) => void;
}

/** A few choices of which one holds. */
export function Segmented<T extends string>({
  label,
  choices,
  chosen,
  onChoose,
}: SegmentedProps<T>) {
  return (
    <div class="segmented" role="group" aria-label={label}>
      {choices.map(([key, word]) => (
        <button type="button" key={key} aria-pressed={key === chosen} onClick={() => onChoose(key)}>
          {word}
        </button>
      ))}
    </div>
  );
}

interface TabsProps {
  label: string;
  /** Key, word and how many there are. */
  tabs: readonly { key: string; word: string; count?: number | undefined }[];
  chosen: string;
  to: (key: string) => string;
}

/** Tabs are links: each has an address. */
export function Tabs({ label, tabs, chosen, to }: TabsProps) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ key, word, count }) => (
        <A key={key} to={to(key)} aria-current={key === chosen ? "page" : undefined}>
          {word}
          {count !== undefined && <span class="count num">{count}</span>}
        </A>
      ))}
    </nav>
  );
}

/** Grey bars in the place of rows that are still being read. */
export function Skeleton({ rows = 5 }: { rows?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  );
}
