// What happened lately to tasks and workers. No I/O.
import type { JournalLine } from "../../api/actions";
import type { Worker } from "../../api/documents";
import { nameOf, whatOf, whoOf, whyOf } from "../../api/journal";
import { isSilent } from "../../ui/Pill";

export interface Happened {
  key: string;
  /** Milliseconds since the epoch. */
  at: number;
  subject: string;
  /** Where it is seen; nothing of what is gone. */
  to: string;
  what: string;
}

/** The latest `most` of what the journal and workers tell, newest first; `me` needs no name. */
export function happened(
  lines: JournalLine[],
  workers: Worker[],
  now: number,
  most: number,
  me = "",
): Happened[] {
  return [
    ...lines.map((line) => ofTask(line, me)),
    ...workers.flatMap((worker) => ofWorker(worker, now)),
  ]
    .filter(({ at }) => !Number.isNaN(at))
    .sort((a, b) => b.at - a.at)
    .slice(0, most);
}

function ofTask(line: JournalLine, me: string): Happened {
  const [who, why] = [whoOf(line), whyOf(line)];
  const by = who && who !== me ? ` by ${who}` : "";
  return {
    key: String(line.id),
    at: Date.parse(line.at),
    subject: nameOf(line),
    to: "name" in line.task ? `/tasks/${line.task.id}` : "",
    what: `${whatOf(line)}${by}${why && `: ${why}`}`,
  };
}

function ofWorker(worker: Worker, now: number): Happened[] {
  const to = `/workers/${encodeURIComponent(worker.id)}`;
  const base = { subject: worker.id, to };
  const seen = Date.parse(worker.last_activity_time ?? "");
  const found: Happened[] = [
    {
      ...base,
      key: `${worker.key} joined`,
      at: Date.parse(worker.register_time ?? ""),
      what: "connected",
    },
  ];
  if (isSilent(worker.last_activity_time, now))
    found.push({ ...base, key: `${worker.key} lost`, at: seen, what: "went silent" });
  return found;
}
