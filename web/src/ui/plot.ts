// The part of charts that draws, with uPlot: loaded when the first chart is shown.
import uPlot, { type AlignedData, type Axis, type Options } from "uplot";
import "uplot/dist/uPlot.min.css";
import { absolute, clock } from "./format";

export interface Series {
  name: string;
  /** One for each x; null is a gap. */
  values: (number | null)[];
  /** Where it went between: drawn as a band, so that spikes stay. */
  low?: (number | null)[];
  high?: (number | null)[];
  /** 1 to 8: the colours for series; without it by place. */
  colour?: number;
  dashed?: boolean;
  fill?: boolean;
}

export interface ChartProps {
  label: string;
  /** Ascending: seconds since the epoch when `time`, else steps. */
  x: number[];
  series: Series[];
  time?: boolean;
  height?: number;
  /** The y axis begins at 0: for counts and shares. */
  fromZero?: boolean;
  /** The end of the y axis, such as 100 for per cent. */
  top?: number;
  log?: boolean;
  /** Lines go on over gaps: for series that have points at other places. */
  joined?: boolean;
  /** Charts with the same key have one cursor. */
  sync?: string;
  format?: (y: number) => string;
  /** Somebody chose a span of x by dragging; null is all of it again. */
  onZoom?: (span: [number, number] | null) => void;
}

export interface Drawn {
  setData(data: AlignedData): void;
  destroy(): void;
}

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Lines of more points than these have no marks on them. */
const MARKED = 50;

/** Draw into `place`, following its width. `onCursor` hears the index under the cursor. */
export function draw(
  place: HTMLElement,
  props: ChartProps & { height: number; format: (y: number) => string },
  hidden: ReadonlySet<string>,
  data: AlignedData,
  onCursor: (index: number | null) => void,
): Drawn {
  const banded = props.series.flatMap((s, at) => (s.low && s.high ? [at] : []));
  const axis: Axis = {
    stroke: colour("text-3"),
    font: "11px 'Inter Variable', system-ui",
    ticks: { show: false },
    grid: { stroke: colour("grid"), width: 1 },
  };
  const options: Options = {
    width: Math.max(place.clientWidth, 50),
    height: props.height,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: !!props.onZoom, y: false, setScale: false },
      ...(props.sync && { sync: { key: props.sync } }),
    },
    scales: {
      x: { time: !!props.time },
      y: {
        distr: props.log ? 3 : 1,
        range: (_plot, least, most) => range(props, least, most),
      },
    },
    axes: [
      {
        ...axis,
        size: 26,
        grid: { show: false },
        ...(props.time && { values: (_plot: uPlot, at: number[]) => times(at) }),
      },
      {
        ...axis,
        size: 56,
        values: (_plot, at) => at.map((y) => (y === null ? "" : props.format(y))),
      },
    ],
    series: [
      {},
      ...props.series.map((series, at) => {
        const stroke = colour(`c${series.colour ?? (at % 8) + 1}`);
        return {
          label: series.name,
          show: !hidden.has(series.name),
          stroke,
          width: 1.5,
          spanGaps: !!props.joined,
          points: { show: (drawn: uPlot) => drawn.data[0].length <= MARKED, size: 4, fill: stroke },
          ...(series.dashed || at >= 8 ? { dash: at >= 16 ? [2, 3] : [6, 3] } : {}),
          ...(series.fill && { fill: `${stroke}22` }),
        };
      }),
      ...banded.flatMap((at) => {
        const series = {
          show: !hidden.has(props.series[at]?.name ?? ""),
          spanGaps: !!props.joined,
        };
        return [series, series].map((one) => ({ ...one, width: 0, points: { show: false } }));
      }),
    ],
    bands: banded.map((at, i) => {
      const high = 1 + props.series.length + 2 * i;
      const tint = colour(`c${props.series[at]?.colour ?? (at % 8) + 1}`);
      return { series: [high, high + 1] as [number, number], fill: `${tint}2a` };
    }),
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          props.onZoom?.([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
  const plot = new uPlot(options, data, place);
  const whole = () => props.onZoom?.(null);
  place.addEventListener("dblclick", whole);
  const observer = new ResizeObserver(() => {
    if (place.clientWidth && place.clientWidth !== plot.width)
      plot.setSize({ width: place.clientWidth, height: props.height });
  });
  observer.observe(place);
  return {
    setData: (next) => plot.setData(next),
    destroy: () => {
      observer.disconnect();
      place.removeEventListener("dblclick", whole);
      plot.destroy();
    },
  };
}

function range(props: ChartProps, least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [props.log ? 0.1 : 0, props.top ?? 1];
  if (props.log) return [least / 1.5, most * 1.5];
  const room = (most - least || Math.abs(most) || 1) * 0.08;
  const low = props.fromZero ? 0 : least - room;
  return [low, props.top ?? most + room];
}

/** Ticks on 24 hours; the day where it is another one. */
function times(at: number[]): string[] {
  const step = (at[1] ?? 0) - (at[0] ?? 0);
  return at.map((seconds, i) => {
    const date = new Date(seconds * 1000);
    const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    if (step >= 43_200) return day;
    const before = i ? new Date((at[i - 1] ?? 0) * 1000).getDate() : date.getDate();
    if (step < 60) return absolute(seconds * 1000).slice(11);
    return before === date.getDate() ? clock(date) : day;
  });
}
