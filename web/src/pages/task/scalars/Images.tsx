// Images that a task reported, by step.
import { useState } from "preact/hooks";
import { call } from "../../../api/client";
import type { Task } from "../../../api/documents";
import { useFresh } from "../../../live/store";
import { Card } from "../../../ui/parts";

interface ImageEvent {
  metric: string;
  variant: string;
  iter: number;
  url: string;
}

const ITERATIONS = 20;

export function Images({ task }: { task: Task }) {
  const { data } = useFresh(
    ["images", task.id],
    (abort) => read(task.id, abort),
    [`task:${task.id}`],
    { every: 3_000 },
  );
  const images = data.value;
  if (!images?.length) return null;
  const names = [...new Set(images.map(nameOf))];
  return (
    <>
      <h2 class="section">Images</h2>
      <div class="images">
        {names.map((name) => (
          <Series key={name} name={name} images={images.filter((one) => nameOf(one) === name)} />
        ))}
      </div>
    </>
  );
}

const nameOf = ({ metric, variant }: ImageEvent): string => `${metric} / ${variant}`;

/** The images of one name, and a slider over their steps. */
function Series({ name, images }: { name: string; images: ImageEvent[] }) {
  const [back, setBack] = useState(0);
  const ordered = [...images].sort((a, b) => a.iter - b.iter);
  const shown = ordered[Math.max(0, ordered.length - 1 - back)];
  if (!shown) return null;
  return (
    <Card title={name} note={`step ${shown.iter}`}>
      <div class="card-body">
        <Media url={shown.url} name={`${name}, step ${shown.iter}`} />
        {ordered.length > 1 && (
          <input
            type="range"
            aria-label={`Step of ${name}`}
            min={0}
            max={ordered.length - 1}
            value={ordered.length - 1 - back}
            onInput={(event) => setBack(ordered.length - 1 - Number(event.currentTarget.value))}
          />
        )}
      </div>
    </Card>
  );
}

function Media({ url, name }: { url: string; name: string }) {
  const here = url.startsWith(`${location.origin}/`);
  // The page loads nothing from elsewhere: what lies on another server is a link.
  if (!here)
    return (
      <a href={url} rel="noreferrer" target="_blank">
        {url}
      </a>
    );
  if (/\.(mp4|webm|mov)$/i.test(url)) return <video src={url} controls aria-label={name} />;
  if (/\.(wav|mp3|ogg|flac)$/i.test(url)) return <audio src={url} controls aria-label={name} />;
  if (/\.html?$/i.test(url)) return <a href={url}>{url.split("/").at(-1)}</a>;
  return <img src={url} alt={name} loading="lazy" />;
}

async function read(task: string, abort: AbortSignal): Promise<ImageEvent[]> {
  const { metrics } = await call(
    "events.get_task_metrics",
    { tasks: [task], event_type: "training_debug_image" },
    { signal: abort },
  );
  const names = (metrics[0]?.metrics ?? []) as string[];
  if (!names.length) return [];
  const answer = await call(
    "events.debug_images",
    { metrics: names.map((metric) => ({ task, metric })), iters: ITERATIONS },
    { signal: abort },
  );
  const found = answer.metrics as { iterations: { events: ImageEvent[] }[] }[];
  return found.flatMap(({ iterations }) => iterations.flatMap(({ events }) => events));
}
