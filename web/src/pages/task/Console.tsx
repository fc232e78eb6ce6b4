import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../../api/client";
import { alsoFollow, onChange } from "../../live/link";
import { touches } from "../../live/store";
import { plural } from "../../ui/format";
import { Card } from "../../ui/parts";

interface Line {
  text: string;
  partial?: boolean;
}

/** What a task printed, followed to its end. */
export function Console({ id }: { id: string }) {
  const element = useRef<HTMLPreElement>(null);
  const [lines, setLines] = useState(0);
  useEffect(() => {
    const topic = `log:${id}`;
    let [after, counted, busy, again] = [0, 0, false, false];
    const read = async () => {
      again = busy;
      if (busy) return;
      busy = true;
      try {
        for (let more = true; more;) {
          const answer = await call("events.follow_log", { task: id, after });
          const log = element.current;
          if (!log) return;
          const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 20;
          const found = answer.lines as Line[];
          log.append(found.map((line) => (line.partial ? line.text : `${line.text}\n`)).join(""));
          counted += found.filter((line) => !line.partial).length;
          more = found.length > 0;
          after = answer.next;
          if (atEnd) log.scrollTop = log.scrollHeight;
        }
        setLines(counted);
      } finally {
        busy = false;
        if (again) void read();
      }
    };
    const unhear = onChange((changed) => {
      if (!changed || touches([topic], changed)) void read();
    });
    const unfollow = alsoFollow(topic);
    void read();
    return () => {
      unhear();
      unfollow();
    };
  }, [id]);
  return (
    <Card title="Console" note={plural(lines, "line")}>
      <pre ref={element} class="log" tabIndex={0} role="region" aria-label="Console" />
    </Card>
  );
}
