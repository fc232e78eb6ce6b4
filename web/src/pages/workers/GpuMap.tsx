// Every GPU as a cell: how busy it is, and which host it is in.
import { go } from "../../router";
import { Card } from "../../ui/parts";
import { cells, heat, type Load } from "./loads";
import type { Worker } from "../../api/documents";

export function GpuMap({ workers, loads }: { workers: Worker[]; loads: Map<string, Load> }) {
  const all = cells(workers, loads);
  if (!all.length) return null;
  const hosts = [...new Set(all.map(({ worker }) => worker.resources?.host ?? worker.id))];
  const busy = all.filter(({ task }) => task).length;
  return (
    <Card title="GPUs" note={`${busy} of ${all.length} with a worker that runs a task`}>
      <div class="gpu-map card-body">
        {hosts.map((host) => (
          <div key={host} class="gpu-host">
            <span class="gpu-cells">
              {all
                .filter(({ worker }) => (worker.resources?.host ?? worker.id) === host)
                .map(({ key, gpu, worker, usage, task }) => (
                  <button
                    type="button"
                    key={key}
                    class={`gpu ${usage === null ? "unknown" : `h${heat(usage)}`} ${
                      task && usage !== null && usage < 10 ? "held" : ""
                    }`}
                    aria-label={`GPU ${gpu.index} of ${worker.id}`}
                    data-tip={[
                      `${gpu.name} ${gpu.index}`,
                      worker.id,
                      usage === null ? "not reported" : `${Math.round(usage)} % busy`,
                      task?.name ?? "no task",
                    ].join("\n")}
                    onClick={() => go(`/workers/${encodeURIComponent(worker.id)}`)}
                  />
                ))}
            </span>
            <small class="muted">{host}</small>
          </div>
        ))}
      </div>
    </Card>
  );
}
