import { useLive } from "../../live/store";
import { A } from "../../ui/parts";
import { plain } from "./console/ansi";

/** The end of what a task that failed printed: mostly the reason is there. */
export function LastLines({ task }: { task: string }) {
  const { data } = useLive("events.read_log", { task, first: -20, limit: 20 }, [`task:${task}`]);
  const lines = data.value?.lines;
  if (!lines?.length) return null;
  return (
    <div class="last-lines">
      <pre tabIndex={0} role="group" aria-label="The last lines of its console">
        {lines.map(({ line, text }) => `${plain(text)}${line >= 0 ? "\n" : ""}`)}
      </pre>
      <A to={`/tasks/${task}/console`}>All of the console</A>
    </div>
  );
}
