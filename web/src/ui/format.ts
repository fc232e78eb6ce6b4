// Numbers, times and sizes as people read them.
import { signal } from "@preact/signals";

/** The time of now in milliseconds, which moves on each second while somebody looks. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);
document.addEventListener("visibilitychange", () => {
  now.value = Date.now();
});

/** `14h 02m`: two units at most. Takes seconds. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${two(Math.floor((s % 3600) / 60))}m`;
  return `${Math.floor(s / 86400)}d ${two(Math.floor((s % 86400) / 3600))}h`;
}

const two = (n: number): string => String(n).padStart(2, "0");

/** Milliseconds since the epoch of an ISO time, or NaN. */
export const moment = (iso: string | undefined | null): number => (iso ? Date.parse(iso) : NaN);

/** Seconds from a moment (ISO) until now; moves on each second. NaN without a moment. */
export const secondsSince = (iso: string | undefined | null): number =>
  (now.value - moment(iso)) / 1000;

/** A moment in the viewer's own zone, with the date: `2026-11-03 13:41:07`. */
export function absolute(iso: string | number | undefined | null): string {
  const date = typeof iso === "number" ? new Date(iso) : new Date(moment(iso));
  if (Number.isNaN(date.getTime())) return "";
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${clock(date, true)}`;
}

/** `13:41`, on 24 hours. */
export function clock(date: Date, seconds = false): string {
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return seconds ? `${text}:${two(date.getSeconds())}` : text;
}

/** `1,284`. */
export const count = (n: number): string => n.toLocaleString("en-US");

/** `11.4 MB`, by thousands as disks are sold and logs are counted. */
export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  let value = n;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A measured value in at most `digits` significant digits: `0.0412`, `1.2e-5`, `18,240`. */
export function value(n: number, digits = 4): string {
  if (!Number.isFinite(n)) return String(n);
  const size = Math.abs(n);
  if (Number.isInteger(n) && size < 1e9) return count(n);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) {
    return n
      .toExponential(digits - 1)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  }
  return String(Number(n.toPrecision(digits)));
}

/** `61 %` of a share between 0 and 1. */
export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** The middle is left out of what is too long: the tail of a path or an id matters. */
export function middle(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

/** `1 task`, `3 tasks`. */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;

/** The first eight digits of an id: enough for every command. */
export const short = (id: string): string => id.slice(0, 8);
