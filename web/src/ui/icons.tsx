// The page's own icons: 16 units wide, drawn in the colour of the text.

const PATHS = {
  overview: "M2 2h5v5H2zM9 2h5v3H9zM9 7h5v7H9zM2 9h5v5H2z",
  tasks: "M2.5 4l1.2 1.2L6 3M8 4h6M2.5 8.2l1.2 1.2L6 7.2M8 8.2h6M2.5 12.4l1.2 1.2L6 11.4M8 12.6h6",
  queues: "M2 3h12M2 6.4h12M2 9.8h8M2 13.2h5",
  workers: "M2 2.5h12v4H2zM2 9.5h12v4H2zM4.5 4.5h.01M4.5 11.5h.01",
  compare: "M5 2v12M11 2v12M2 5h3M2 11h3M11 5h3M11 11h3",
  settings:
    "M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M10.5 4.5m-1.6 0a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0-3.2 0M5.5 11.5m-1.6 0a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0-3.2 0",
  book: "M3 2.5h7.5A2.5 2.5 0 0 1 13 5v8.5H5A2 2 0 0 1 3 11.5zM3 11.5a2 2 0 0 1 2-2h8",
  search: "M7 7m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0M10.4 10.4L14 14",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  tick: "M3 8.5l3.3 3.3L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  right: "M6 4l4 4-4 4",
  left: "M10 4L6 8l4 4",
  menu: "M2 4h12M2 8h12M2 12h12",
  columns: "M2 3h12v10H2zM6 3v10M10 3v10",
  filter: "M2 3.5h12L9.5 9v4l-3-1.5V9z",
  download: "M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11",
  external: "M6 3H3v10h10v-3M9 3h4v4M13 3L7.5 8.5",
  plus: "M8 3v10M3 8h10",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  sun: "M8 8m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7",
  pause: "M5 3v10M11 3v10",
  play: "M4.5 3l8 5-8 5z",
  stop: "M4 4h8v8H4z",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  out: "M6 3H3v10h3M10 5l3 3-3 3M13 8H6",
  user: "M8 5.5m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0M3 13.5c0-2.5 2.2-4 5-4s5 1.5 5 4",
  key: "M5.5 10.5m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M7.7 8.3L13 3M11 5l2 2",
  grip: "M6 3.5h.01M10 3.5h.01M6 8h.01M10 8h.01M6 12.5h.01M10 12.5h.01",
  warning: "M8 2l6.5 11.5h-13zM8 6.5v3M8 11.5h.01",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 16 16"
      width={size}
      height={size}
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
