// A chart over time or steps. What draws it is loaded when the first one is shown.
import "./Chart.css";
import { useEffect, useRef, useState } from "preact/hooks";
import type { AlignedData } from "uplot";
import { isDark } from "./display";
import { value as shownValue } from "./format";
import type { ChartProps, Drawn } from "./plot";

/** Load what draws charts; it is good to have it before the first one has its data. */
export const loadCharts = () => import("./plot");

export function Chart(props: ChartProps) {
  const { label, x, series, height = 180, format = shownValue } = props;
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const shape = JSON.stringify([
    series.map((s) => [s.name, s.colour, s.dashed, s.fill, !!s.low]),
    props.joined,
    props.time,
    props.fromZero,
    props.top,
    props.log,
    height,
    isDark.value,
    [...hidden],
  ]);
  const banded = series.filter((s) => s.low && s.high);
  const data = [
    x,
    ...series.map((s) => s.values),
    ...banded.flatMap((s) => [s.high, s.low]),
  ] as AlignedData;

  useEffect(() => {
    let gone = false;
    void loadCharts().then(({ draw }) => {
      if (gone || !place.current) return;
      drawn.current = draw(place.current, { ...props, height, format }, hidden, data, setAt);
    });
    return () => {
      gone = true;
      drawn.current?.destroy();
      drawn.current = null;
    };
  }, [shape]);
  useEffect(() => drawn.current?.setData(data), [x, series]);

  const index = at ?? x.length - 1;
  return (
    <figure class="chart" aria-label={label}>
      <div ref={place} class="plot" style={{ height: `${height}px` }} />
      <figcaption class="legend">
        {series.map((s, i) => {
          const y = s.values[index];
          return (
            <button
              type="button"
              key={s.name}
              aria-pressed={!hidden.has(s.name)}
              onClick={() => {
                const next = new Set(hidden);
                if (!next.delete(s.name)) next.add(s.name);
                setHidden(next);
              }}
            >
              <i class={`line c${s.colour ?? (i % 8) + 1} ${s.dashed ? "dashed" : ""}`} />
              {s.name} <b class="num">{typeof y === "number" ? format(y) : "–"}</b>
            </button>
          );
        })}
      </figcaption>
    </figure>
  );
}
