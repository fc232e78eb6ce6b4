import { colourOf, isHeldIdle, paintOf, type Cell, type Mode, wordsOf } from "./fleet";
import { heat } from "./loads";

/** The look of a cell: its class, and its colours where these are names'. */
function look(cell: Cell, mode: Mode): { class: string; background?: string } {
  const { level, names } = paintOf(cell, mode);
  const held = isHeldIdle(cell) ? "held" : "";
  if (names.length) {
    const share = 100 / names.length;
    const parts = names.map(
      (name, at) => `var(--c${colourOf(name)}) ${share * at}% ${share * (at + 1)}%`,
    );
    return { class: `gpu ${held}`, background: `linear-gradient(90deg, ${parts.join()})` };
  }
  return { class: `gpu ${level === null ? "unknown" : `h${heat(level)}`} ${held}` };
}

/** GPUs side by side, each a cell. */
export function GpuStrip({ cells, mode = "usage" }: { cells: Cell[]; mode?: Mode }) {
  return (
    <span class="gpu-strip">
      {cells.map((cell) => {
        const { class: name, background } = look(cell, mode);
        const words = wordsOf(cell);
        return (
          <i
            key={cell.gpu.id}
            role="img"
            class={name}
            style={background ? { background } : undefined}
            aria-label={words.join(", ")}
            data-tip={words.join("\n")}
          />
        );
      })}
    </span>
  );
}
