import { Meter, Nothing, TaskLink } from "../../ui/parts";
import { percent } from "../../ui/format";
import { type Cell, isHeldIdle, partOf } from "./fleet";
import { GpuStrip } from "./GpuStrip";

/** The GPUs of a worker as they are now: how busy, how full, how warm, and who has them. */
export function GpuTable({ cells }: { cells: Cell[] }) {
  return (
    <div class="gpu-rows">
      {cells.map((cell) => {
        const { gpu, usage, memory, temperature, power, runs } = cell;
        return (
          <div key={gpu.id} class="gpu-row">
            <GpuStrip cells={[cell]} />
            <b>
              {gpu.index} <small class="muted">{gpu.name}</small>
            </b>
            <span class="num">
              {usage === null ? <Nothing /> : `${Math.round(usage)} % busy`}
              {isHeldIdle(cell) && <small class="worker-idle"> held, but idle</small>}
            </span>
            <span class="num">
              {memory !== null && (
                <>
                  <Meter share={memory} label={`Memory of GPU ${gpu.index}`} warnAt={0.95} />{" "}
                  {percent(memory)}
                </>
              )}
            </span>
            <small class="num muted">
              {temperature !== null && `${Math.round(temperature)} °C`}
              {power !== null && ` ${Math.round(power)} W`}
            </small>
            <span class="gpu-runs">
              {runs.map((run) => (
                <span key={run.task}>
                  <TaskLink task={{ id: run.task, name: run.name }} />
                  <small class="muted">
                    {partOf(run)} {run.user}
                  </small>
                </span>
              ))}
              {!runs.length && <span class="muted">free</span>}
            </span>
          </div>
        );
      })}
    </div>
  );
}
