// Curves as they are looked at: smoothed, and over steps or time. No I/O.

/** An exponential moving average that is right from the first point on; `weight` is 0 to 1. Gaps
 * stay gaps. */
export function smooth(values: (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return values;
  let [average, bias] = [0, 0];
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return value;
    average = average * weight + value * (1 - weight);
    bias = bias * weight + (1 - weight);
    return average / bias;
  });
}

export interface Curve {
  name: string;
  x: number[];
  y: number[];
  low: number[];
  high: number[];
}

export interface Aligned {
  x: number[];
  series: {
    name: string;
    values: (number | null)[];
    low: (number | null)[];
    high: (number | null)[];
  }[];
}

/** Curves over one x: where a curve has no point there is a gap. */
export function align(curves: Curve[]): Aligned {
  const x = [...new Set(curves.flatMap((curve) => curve.x))].sort((a, b) => a - b);
  const places = new Map(x.map((value, at) => [value, at]));
  const spread = (curve: Curve, values: number[]) => {
    const found: (number | null)[] = new Array(x.length).fill(null);
    curve.x.forEach((at, i) => {
      found[places.get(at) as number] = values[i] ?? null;
    });
    return found;
  };
  return {
    x,
    series: curves.map((curve) => ({
      name: curve.name,
      values: spread(curve, curve.y),
      low: spread(curve, curve.low),
      high: spread(curve, curve.high),
    })),
  };
}
