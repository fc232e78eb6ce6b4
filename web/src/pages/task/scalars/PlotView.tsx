// Drawing plots: tables, lines, points, bars and maps of heat.
import { useEffect, useRef } from "preact/hooks";
import { isDark } from "../../../ui/display";
import { value } from "../../../ui/format";
import { type Plot, scale, type Trace } from "./plotly";

const WIDTH = 560;
const HEIGHT = 260;
const PADDING = { left: 52, right: 12, top: 8, bottom: 28 };
const MOST_ROWS = 500;

export function PlotView({ plot, label }: { plot: Plot; label: string }) {
  if (plot.kind === "table") return <TablePlot plot={plot} label={label} />;
  if (plot.kind === "xy") return <Lines plot={plot} label={label} />;
  if (plot.kind === "heat") return <Heat plot={plot} label={label} />;
  return (
    <p class="muted">
      A plot of {plot.types.join(", ") || "nothing"}: this page does not draw it. Download its JSON.
    </p>
  );
}

function TablePlot({ plot, label }: { plot: Plot & { kind: "table" }; label: string }) {
  return (
    <div class="plot-table" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {plot.columns.map((column, at) => (
              <th key={at} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {plot.rows.slice(0, MOST_ROWS).map((row, at) => (
            <tr key={at}>
              {row.map((cell, i) => (
                <td key={i} class="num">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Lines({ plot, label }: { plot: Plot & { kind: "xy" }; label: string }) {
  const { traces, xTitle, yTitle } = plot;
  const bars = traces.some(({ as }) => as === "bars");
  const xs = traces.flatMap((trace) => trace.x);
  const ys = traces.flatMap((trace) => trace.y.map(Number)).filter(Number.isFinite);
  const [width, height] = [
    WIDTH - PADDING.left - PADDING.right,
    HEIGHT - PADDING.top - PADDING.bottom,
  ];
  const atX = scale(xs, bars ? width * 0.92 : width);
  const heights = bars ? [0, ...ys] : ys;
  const atY = scale(heights.length ? heights : [0, 1], height);
  const low = Math.min(...(heights.length ? heights : [0]));
  const high = Math.max(...(heights.length ? heights : [1]));
  const place = (trace: Trace, at: number): [number, number] => [
    PADDING.left + atX(trace.x[at] ?? 0) + (bars ? width * 0.04 : 0),
    PADDING.top + height - atY(Number(trace.y[at])),
  ];
  return (
    <figure class="chart">
      <svg class="plot-lines" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line
              x1={PADDING.left}
              x2={WIDTH - PADDING.right}
              y1={PADDING.top + height * share}
              y2={PADDING.top + height * share}
            />
            <text x={PADDING.left - 6} y={PADDING.top + height * share + 4} text-anchor="end">
              {value(high - (high - low) * share, 3)}
            </text>
          </g>
        ))}
        {traces.map((trace, at) => (
          <Series
            key={at}
            trace={trace}
            colour={`c${(at % 8) + 1}`}
            place={place}
            floor={PADDING.top + height}
            width={(width / Math.max(1, new Set(xs).size)) * 0.7}
          />
        ))}
        <text x={PADDING.left} y={HEIGHT - 8}>
          {ends(xs)[0]}
        </text>
        <text x={WIDTH - PADDING.right} y={HEIGHT - 8} text-anchor="end">
          {ends(xs)[1]}
        </text>
        <text x={PADDING.left + width / 2} y={HEIGHT - 8} text-anchor="middle">
          {[xTitle, yTitle && `y: ${yTitle}`].filter(Boolean).join("   ")}
        </text>
      </svg>
      {traces.length > 1 && (
        <figcaption class="legend">
          {traces.map((trace, at) => (
            <span key={at}>
              <i class={`line c${(at % 8) + 1}`} /> {trace.name}
            </span>
          ))}
        </figcaption>
      )}
    </figure>
  );
}

function ends(xs: (number | string)[]): [string, string] {
  const numbers = xs.map(Number);
  if (xs.length && numbers.every(Number.isFinite))
    return [value(Math.min(...numbers), 3), value(Math.max(...numbers), 3)];
  return [String(xs[0] ?? ""), String(xs.at(-1) ?? "")];
}

interface SeriesProps {
  trace: Trace;
  colour: string;
  place: (trace: Trace, at: number) => [number, number];
  floor: number;
  width: number;
}

function Series({ trace, colour, place, floor, width }: SeriesProps) {
  const places = trace.y.flatMap((y, at) => (Number.isFinite(Number(y)) ? [place(trace, at)] : []));
  if (trace.as === "line")
    return (
      <polyline class={colour} fill="none" points={places.map((at) => at.join(",")).join(" ")} />
    );
  if (trace.as === "points")
    return (
      <g class={colour}>
        {places.map(([x, y], at) => (
          <circle key={at} cx={x} cy={y} r={3} />
        ))}
      </g>
    );
  return (
    <g class={colour}>
      {places.map(([x, y], at) => (
        <rect key={at} x={x - width / 2} y={y} width={width} height={Math.max(0, floor - y)} />
      ))}
    </g>
  );
}

const RAMP = 6;

function Heat({ plot, label }: { plot: Plot & { kind: "heat" }; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { z } = plot;
  const numbers = z.flat().filter(Number.isFinite);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const style = getComputedStyle(document.documentElement);
    const colours = Array.from({ length: RAMP }, (_, at) => style.getPropertyValue(`--h${at}`));
    z.forEach((row, y) =>
      row.forEach((found, x) => {
        const share = (found - low) / (high - low || 1);
        context.fillStyle = colours[Math.min(RAMP - 1, Math.floor(share * RAMP))] ?? "";
        context.fillRect(x, y, 1, 1);
      }),
    );
  }, [z, isDark.value]);
  return (
    <figure class="chart">
      <canvas
        ref={canvas}
        class="plot-heat"
        width={z[0]?.length ?? 1}
        height={z.length || 1}
        role="img"
        aria-label={`${label}: ${z.length} rows, from ${value(low)} to ${value(high)}`}
      />
      <figcaption class="legend">
        <span class="num">
          {value(low)} to {value(high)}
        </span>
      </figcaption>
    </figure>
  );
}
