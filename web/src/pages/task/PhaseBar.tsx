import { duration, now } from "../../ui/format";
import type { Attempt } from "../../api/documents";
import { type Step, stepsOf, widths } from "./phases";

/** `0.3s` while that says something, then as other spans. */
const took = (seconds: number): string =>
  seconds < 9.95 ? `${seconds.toFixed(1)}s` : duration(seconds);

/** A bar of where the time of an attempt went; not to scale, so each part says its time. */
export function PhaseBar({ attempt, waited }: { attempt: Attempt; waited: number | null }) {
  const steps = stepsOf(attempt, waited, now.value);
  if (!steps.length) return null;
  const shares = widths(steps);
  return (
    <ol class="phases" aria-label={`Steps of attempt ${attempt.attempt}`}>
      {steps.map((step, at) => (
        <li key={step.key} class={look(step)} style={{ flexBasis: `${shares[at]}%` }}>
          <span>{step.word}</span>
          <b class="num">{took(step.seconds)}</b>
        </li>
      ))}
    </ol>
  );
}

const look = (step: Step): string =>
  `${step.key === "waiting" ? "waiting" : step.own ? "own" : "preparing"} ${step.open ? "open" : ""}`;
