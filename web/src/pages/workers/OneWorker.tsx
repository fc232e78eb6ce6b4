// A worker in a panel beside the list: what it does, its queues, its machine over time.
import { absolute, bytes } from "../../ui/format";
import { Sheet } from "../../ui/Dialog";
import { A, Ago, Notice, Span, TaskLink } from "../../ui/parts";
import { Facts } from "../task/Facts";
import { agentOf, type Member } from "./fleet";
import { GpuTable } from "./GpuTable";
import { MachineHistory } from "./MachineHistory";
import { OrderButtons, OrderHistory, OrderNotice } from "./Orders";
import { TimeLine } from "./TimeLine";
import { pathOf, State } from "./WorkerTable";

interface OneWorkerProps {
  member: Member;
  /** What runs on its machine as workers of their own. */
  parts: Member[];
  onClose: () => void;
}

export function OneWorker({ member, parts, onClose }: OneWorkerProps) {
  const { worker, head, cells, runs } = member;
  const { resources } = worker;
  const agent = agentOf(member);
  return (
    <Sheet wide title={worker.id} onClose={onClose}>
      <div class="worker-head">
        <State member={member} />
        <span class="spring" />
        {head ? (
          <span>
            A task of <A to={pathOf(agent)}>{agent.id}</A>
          </span>
        ) : (
          <OrderButtons worker={worker} />
        )}
      </div>
      {worker.unfit && (
        <Notice tone="warn">
          <b>It takes no tasks:</b> {worker.unfit}
        </Notice>
      )}
      {worker.order && <OrderNotice order={worker.order} />}
      {cells.length > 0 && <GpuTable cells={cells} />}
      <Facts
        facts={[
          [
            "Runs",
            runs.length
              ? runs.map((run) => (
                  <div key={run.task} class="worker-run">
                    <TaskLink task={{ id: run.task, name: run.name }} />{" "}
                    <small class="muted">
                      <Span from={new Date(run.started ?? run.taken).toISOString()} /> {run.user}
                    </small>
                  </div>
                ))
              : worker.task && <TaskLink task={worker.task} />,
          ],
          [
            "Workers on it",
            parts.length
              ? parts.map(({ worker: part }) => (
                  <div key={part.key}>
                    <A to={pathOf(part)}>{part.id}</A>
                  </div>
                ))
              : undefined,
          ],
          [
            "Queues, in order",
            worker.queues?.length
              ? worker.queues.map(({ id, name, num_tasks: waiting }, at) => (
                  <span key={id}>
                    {at > 0 && ", "}
                    <A to={`/queues/${encodeURIComponent(name ?? id)}`}>{name ?? id}</A>
                    {waiting ? ` (${waiting} waiting)` : ""}
                  </span>
                ))
              : undefined,
          ],
          ["Host", agent.resources?.host],
          ["Processors", resources?.cpus],
          ["Memory", resources?.memory && bytes(resources.memory * 1_048_576)],
          ["Address", worker.ip],
          ["Account", worker.user?.name],
          ["Tags", worker.tags?.join(", ")],
          ["Registered", absolute(worker.register_time)],
          ["Seen", worker.last_activity_time && <Ago key="seen" at={worker.last_activity_time} />],
        ]}
      />
      <MachineHistory worker={worker.id} gpus={cells.map(({ gpu }) => gpu)} />
      <TimeLine agent={agent.id} {...(head && { part: worker.id })} />
      <OrderHistory worker={worker.id} />
    </Sheet>
  );
}
