import type { ComponentChildren } from "preact";
import { Fragment } from "preact";

export type Fact = [word: string, value: ComponentChildren];

/** Words and what they are; those without a value are left out. */
export function Facts(props: { facts: Fact[]; title?: string; empty?: string }) {
  const facts = props.facts.filter(
    ([, value]) => value !== undefined && value !== "" && value !== null,
  );
  if (!facts.length) return <div class="empty">{props.empty ?? "Nothing here."}</div>;
  return (
    <div class="card-body">
      {props.title && <h3 class="facts-title">{props.title}</h3>}
      <dl class="facts">
        {facts.map(([word, value]) => (
          <Fragment key={word}>
            <dt>{word}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      </dl>
    </div>
  );
}
