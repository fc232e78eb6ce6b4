import type { JournalLine } from "../../api/actions";
import type { Worker } from "../../api/documents";
import { user } from "../../session";
import { clock, now } from "../../ui/format";
import { A, Card } from "../../ui/parts";
import { happened } from "./happened";

/** How many lines it has. */
export const MOST = 12;

export function EventFeed({ lines, workers }: { lines: JournalLine[]; workers: Worker[] }) {
  const events = happened(lines, workers, now.value, MOST, user.value?.name);
  return (
    <Card title="Lately">
      <ul class="overview-list">
        {events.map(({ key, at, subject, to, what }) => (
          <li key={key}>
            <time class="num muted" dateTime={new Date(at).toISOString()}>
              {clock(new Date(at))}
            </time>
            <span class="overview-line" title={`${subject} ${what}`}>
              {to ? <A to={to}>{subject}</A> : subject} {what}
            </span>
          </li>
        ))}
        {!events.length && <li class="muted">Nothing yet.</li>}
      </ul>
    </Card>
  );
}
