import type { Task, Worker } from "../../api/documents";
import { clock, now } from "../../ui/format";
import { A, Card } from "../../ui/parts";
import { happened } from "./happened";

const MOST = 12;

export function EventFeed({ tasks, workers }: { tasks: Task[]; workers: Worker[] }) {
  const events = happened(tasks, workers, now.value, MOST);
  return (
    <Card title="Lately">
      <ul class="overview-list">
        {events.map(({ key, at, subject, to, what }) => (
          <li key={key}>
            <time class="num muted" dateTime={new Date(at).toISOString()}>
              {clock(new Date(at))}
            </time>
            <span class="overview-line" title={`${subject} ${what}`}>
              <A to={to}>{subject}</A> {what}
            </span>
          </li>
        ))}
        {!events.length && <li class="muted">Nothing yet.</li>}
      </ul>
    </Card>
  );
}
