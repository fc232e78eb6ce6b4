// How to get a worker, wherever there is none.
import { effect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api/client";
import type { Worker } from "../../api/documents";
import { base } from "../../base";
import { keepFresh } from "../../live/store";
import { CodeBlock } from "../../ui/CodeBlock";
import { EmptyState, Segmented } from "../../ui/parts";
import { toast } from "../../ui/Toast";
import { NewKeys } from "./NewKeys";

type Way = "here" | "elsewhere" | "clearml";

const WAYS = [
  ["here", "This machine"],
  ["elsewhere", "Another machine"],
  ["clearml", "clearml-agent"],
] as const;

/** The server's address, as other machines may reach it. */
export const serverAddress = (): string => (location.origin + base).replace(/\/$/, "");

const isLocal = (): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

/** Says how to start a worker for a queue, and waits for it together with the reader. */
export function AddWorker({ queue = "default" }: { queue?: string }) {
  const [way, setWay] = useState<Way>("here");
  useEffect(greetFirst, []);
  const daemon = `taskyard agent daemon --queue ${queue}`;
  return (
    <EmptyState title="No worker yet">
      <p>A worker runs your tasks. On a machine with a GPU, or without one, run:</p>
      <Segmented label="Where" choices={WAYS} chosen={way} onChoose={setWay} />
      {way === "here" && <CodeBlock text={daemon} label="Start a worker here" />}
      {way === "elsewhere" && <Elsewhere daemon={daemon} />}
      {way === "clearml" && (
        <CodeBlock
          text={`eval "$(taskyard env)"\nclearml-agent daemon --queue ${queue}`}
          label="Start clearml-agent"
        />
      )}
      <p class="waiting-for" role="status">
        <i class="spinner" />
        Waiting for the first worker…
      </p>
    </EmptyState>
  );
}

let greeting = false;

/** Say so when the first worker comes, also after what told of its lack has gone. */
function greetFirst(): void {
  if (greeting) return;
  greeting = true;
  const live = keepFresh(["workers"], async (abort) => {
    const { workers } = await call("workers.get_all", { last_seen: 0 }, { signal: abort });
    return workers as Worker[];
  });
  let alone = false;
  const end = effect(() => {
    const first = live.data.value?.[0];
    if (live.data.value && !first) alone = true;
    if (!first) return;
    if (alone) toast(`${first.id} connected`);
    greeting = false;
    live.stop();
    queueMicrotask(() => end());
  });
}

function Elsewhere({ daemon }: { daemon: string }) {
  return (
    <>
      {isLocal() && (
        <p>
          This server answers this machine alone. Start it with <code>--host 0.0.0.0</code>, and
          open this page by the machine's name.
        </p>
      )}
      <CodeBlock
        text={`taskyard init ${serverAddress()}\n${daemon}`}
        label="Connect another machine"
      />
      <p>
        The first command asks for a key pair. <NewKeys label="made for a worker" />
      </p>
    </>
  );
}
