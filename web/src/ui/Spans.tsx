// The span of time until now that a chart shows.
import type { ComponentChildren } from "preact";
import { query, setQuery } from "../router";
import { Segmented } from "./parts";

const SECONDS = {
  "1h": 3_600,
  "3h": 10_800,
  "6h": 21_600,
  "24h": 86_400,
  "7d": 604_800,
  "30d": 2_592_000,
} as const;

export type Span = keyof typeof SECONDS;

interface Chosen {
  span: Span;
  seconds: number;
  /** What it is chosen with. */
  chooser: ComponentChildren;
}

/** The span that somebody chose among some; it stands in the address, the `usual` one does not. */
export function useSpan(label: string, spans: readonly Span[], usual: Span): Chosen {
  const wanted = query.value.get("span");
  const span = spans.find((one) => one === wanted) ?? usual;
  return {
    span,
    seconds: SECONDS[span],
    chooser: (
      <Segmented
        label={label}
        choices={spans.map((one) => [one, one.replace(/\D/, "\u00a0$&")] as const)}
        chosen={span}
        onChoose={(choice) => setQuery({ span: choice === usual ? null : choice })}
      />
    ),
  };
}
