export interface Curve {
  x: number[];
  y: number[];
}

/** Curves over one x: every step that any of them has. Where one has no value of its own, the line
 * between its neighbours gives it, so that curves sampled apart have no holes; null outside. */
export function aligned(curves: (Curve | undefined)[]): {
  x: number[];
  values: (number | null)[][];
} {
  const x = [...new Set(curves.flatMap((curve) => curve?.x ?? []))].sort((a, b) => a - b);
  return { x, values: curves.map((curve) => (curve ? x.map(reader(curve)) : x.map(() => null))) };
}

/** Values of a curve at ascending places. */
function reader({ x, y }: Curve): (at: number) => number | null {
  let i = 0;
  return (at) => {
    while (i < x.length && (x[i] as number) < at) i += 1;
    if (i >= x.length) return null;
    const [x1, y1] = [x[i] as number, y[i] as number];
    if (x1 === at) return y1;
    if (i === 0) return null;
    const [x0, y0] = [x[i - 1] as number, y[i - 1] as number];
    return y0 + ((y1 - y0) * (at - x0)) / (x1 - x0);
  };
}
