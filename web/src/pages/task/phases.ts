// Where the time of an attempt went, step by step. No I/O.
import type { Attempt } from "../../api/documents";

export interface Step {
  key: string;
  word: string;
  seconds: number;
  /** It goes on. */
  open: boolean;
  /** The user's own code, rather than what prepares it. */
  own: boolean;
}

const WORDS: Record<string, string> = {
  waiting: "Waiting",
  source: "Code",
  patch: "Changes",
  setup: "Set-up",
  image: "Image",
  system: "System packages",
  environment: "Environment",
  launch: "Running",
};

/** The steps of an attempt; `waited` are the seconds on the queue before it. */
export function stepsOf(attempt: Attempt, waited: number | null, now: number): Step[] {
  // Of an attempt that was lost nobody told when its last step ended.
  const end = attempt.ended ? Date.parse(attempt.ended) : now;
  const steps = (attempt.phases ?? []).map((phase) => ({
    key: phase.name,
    word: WORDS[phase.name] ?? phase.name,
    seconds: Math.max(0, (phase.ended ?? end / 1000) - phase.started),
    open: !attempt.ended && (phase.ended === undefined || phase.ended === null),
    own: phase.name === "launch",
  }));
  if (waited === null) return steps;
  const first = { key: "waiting", word: "Waiting", seconds: waited, open: false, own: false };
  return [first, ...steps];
}

/** Widths in per cent: none so small that it cannot be seen, and so not to scale. */
export function widths(steps: Step[]): number[] {
  const weights = steps.map(({ seconds }) => Math.log10(1 + seconds * 20) + 0.4);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (weight / all) * 100);
}
