// Which rows of a long list are drawn: those in sight, and a few around them. No I/O.

export interface Window {
  first: number;
  /** One beyond the last. */
  end: number;
  /** Pixels of what is not drawn, before and after. */
  above: number;
  below: number;
}

const AROUND = 8;

/** The rows to draw of `total`, each `row` pixels high, when `height` pixels from `top` are seen. */
export function windowOf(total: number, row: number, top: number, height: number): Window {
  const first = Math.max(0, Math.min(total, Math.floor(top / row) - AROUND));
  const end = Math.min(total, Math.ceil((top + height) / row) + AROUND);
  return {
    first,
    end: Math.max(first, end),
    above: first * row,
    below: (total - Math.max(first, end)) * row,
  };
}
