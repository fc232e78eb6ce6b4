import type { Queue, Task, Worker } from "../../api/documents";
import { count, duration, moment, now } from "../../ui/format";
import { Kpi } from "../../ui/parts";
import { workerState } from "../../ui/Pill";
import { user } from "../../session";
import { waitingIn } from "../queues/QueueTable";

interface NowProps {
  workers: Worker[];
  queues: Queue[];
  active: Task[];
}

/** The numbers that say how it stands: what is free comes first. */
export function Now({ workers, queues, active }: NowProps) {
  const states = workers.map((worker) => workerState(worker, now.value));
  const number = (state: string) => states.filter((one) => one === state).length;
  const lost = number("lost");
  const resting = number("paused") + number("draining");
  const waiting = queues.reduce((sum, queue) => sum + waitingIn(queue), 0);
  const oldest = Math.min(...queues.flatMap((queue) => (queue.oldest ? moment(queue.oldest) : [])));
  const running = active.filter(({ status }) => status === "in_progress");
  const mine = running.filter((task) => task.user?.id === user.value?.id).length;
  const deserted = queues.filter((queue) => waitingIn(queue) && !queue.workers?.length);
  return (
    <div class="kpis">
      <Kpi
        label="Workers free now"
        value={count(number("idle"))}
        unit={`of ${count(workers.length - lost)} online`}
        note={[resting && `${count(resting)} resting`, lost && `${count(lost)} lost`]
          .filter(Boolean)
          .join(" · ")}
        warn={lost > 0}
      />
      <Kpi
        label="Running"
        value={count(running.length)}
        note={running.length ? `${count(mine)} of them yours` : "Nothing runs"}
      />
      <Kpi
        label="Waiting"
        value={count(waiting)}
        note={waiting ? `The oldest for ${duration((now.value - oldest) / 1000)}` : "Nothing waits"}
      />
      <Kpi
        label="Queues"
        value={count(queues.length)}
        note={
          deserted.length
            ? `${count(deserted.length)} without a worker`
            : "Each with tasks has workers"
        }
        warn={deserted.length > 0}
      />
    </div>
  );
}
