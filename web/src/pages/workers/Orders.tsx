// What a worker is told: by buttons with a reason, and what it was told before.
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Worker } from "../../api/documents";
import { useLive } from "../../live/store";
import { Ask } from "../../ui/Ask";
import { Commands } from "../../ui/Commands";
import { Menu } from "../../ui/Menu";
import { absolute } from "../../ui/format";
import { Button, Notice } from "../../ui/parts";
import { ofWorker, orderCommand } from "./commands";

const ORDERS = {
  pause: { word: "Pause", what: "It finishes what it runs and takes nothing more until resumed." },
  drain: { word: "Drain", what: "It finishes what it runs, takes nothing more, and leaves." },
  stop: { word: "Stop", what: "It ends what it runs, gives that back to its queue, and leaves." },
  resume: { word: "Resume", what: "It takes tasks again." },
} as const;
export type Order = keyof typeof ORDERS;

/** The buttons that give a worker orders. */
export function OrderButtons({ worker }: { worker: Worker }) {
  const [asking, ask] = useState<Order | "commands" | null>(null);
  const close = () => ask(null);
  const told = worker.order?.kind;
  return (
    <>
      {told ? (
        <Button icon="play" onClick={() => ask("resume")}>
          Resume
        </Button>
      ) : (
        <Button icon="pause" onClick={() => ask("pause")}>
          Pause
        </Button>
      )}
      <Button disabled={told === "drain"} onClick={() => ask("drain")}>
        Drain
      </Button>
      <Button kind="danger" disabled={told === "stop"} onClick={() => ask("stop")}>
        Stop
      </Button>
      <Menu
        label={`More for ${worker.id}`}
        items={[{ word: "As commands…", icon: "copy", onChoose: () => ask("commands") }]}
      />
      {asking === "commands" && (
        <Commands
          title={`${worker.id} on the command line`}
          commands={ofWorker(worker.id)}
          onClose={close}
        />
      )}
      {asking && asking !== "commands" && (
        <Ask
          title={`${ORDERS[asking].word} ${worker.id}`}
          verb={ORDERS[asking].word}
          label="Why, for others to read"
          optional
          danger={asking === "drain" || asking === "stop"}
          command={(why) => orderCommand(asking, worker.id, why)}
          run={(reason) => call(`workers.${asking}`, { worker: worker.id, reason })}
          onClose={close}
        >
          <p>{ORDERS[asking].what}</p>
        </Ask>
      )}
    </>
  );
}

/** The order that holds, with who gave it and why. */
export function OrderNotice({ order }: { order: NonNullable<Worker["order"]> }) {
  return (
    <Notice>
      <b>
        Told to {order.kind}
        {order.by_name ? ` by ${order.by_name}` : ""}
      </b>
      {order.since ? `, ${absolute(order.since)}` : ""}
      {order.reason ? `: ${order.reason}` : "."}
    </Notice>
  );
}

/** All orders that are kept, the newest first; nothing without any. */
export function OrderHistory({ worker }: { worker: string }) {
  const { data } = useLive("workers.get_orders", { worker }, [`worker:${worker}`]);
  const orders = data.value?.orders ?? [];
  if (!orders.length) return null;
  return (
    <>
      <h3>What it was told</h3>
      <ul class="worker-orders">
        {orders.map(({ kind, reason, by, by_name, at }) => (
          <li key={at}>
            <time class="num muted" dateTime={at}>
              {absolute(at)}
            </time>{" "}
            <b>{kind}</b> by {by_name || by}
            {reason && `: ${reason}`}
          </li>
        ))}
      </ul>
    </>
  );
}
