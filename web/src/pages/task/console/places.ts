// Where lines stand in a box that scrolls. Browsers end at some 30 million pixels, so from a
// number of lines on a pixel of the scroll bar is more than a pixel of the text. No I/O.

export interface Span {
  /** Counted from 0, both included. */
  first: number;
  last: number;
}

const MOST = 14_000_000;

/** The height of all lines together, as far as the scroll bar is concerned. */
export const heightOf = (total: number, row: number): number => Math.min(total * row, MOST);

/** The line at the top (with its fraction) when the box is scrolled by `top`. */
export function toLine(top: number, total: number, row: number, view: number): number {
  const whole = total * row;
  if (whole <= MOST) return top / row;
  const share = Math.min(1, Math.max(0, top / (MOST - view)));
  return (share * (whole - view)) / row;
}

/** The inverse: how far to scroll to have a line at the top. */
export function toTop(line: number, total: number, row: number, view: number): number {
  const whole = total * row;
  if (whole <= MOST) return line * row;
  return ((line * row) / (whole - view)) * (MOST - view);
}

/** `L120` or `L120-L140` of an address, which count from 1. */
export function parseSpan(hash: string): Span | null {
  const found = /^L(\d+)(?:-L(\d+))?$/.exec(hash);
  if (!found) return null;
  const first = Number(found[1]) - 1;
  const last = found[2] ? Number(found[2]) - 1 : first;
  return first < 0 ? null : { first: Math.min(first, last), last: Math.max(first, last) };
}

export const spanText = ({ first, last }: Span): string =>
  first === last ? `L${first + 1}` : `L${first + 1}-L${last + 1}`;
