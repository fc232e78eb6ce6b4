// Dragging rows with a mouse, a pen or a finger.
import { gapAt } from "./order";

/** Where the pointer is, and the gap into which it would let fall: an index of rows. */
export interface Dragged {
  x: number;
  y: number;
  gap: number;
}

/** Pixels at the edges of a list in which it scrolls by itself, and how fast: pixels a frame. */
const EDGE = 48;
const PACE = 14;

/** Follow a pointer that drags rows of the table in `place`, until it lets them fall or Escape takes
 * it back. `total`: how many rows there are. */
export function follow(
  event: PointerEvent,
  place: HTMLElement | null,
  total: number,
  show: (dragged: Dragged | null) => void,
  fall: (gap: number) => void,
): void {
  const body = place?.querySelector<HTMLElement>("tbody");
  const scroller = place?.querySelector<HTMLElement>(".table");
  const height = body?.querySelector<HTMLElement>("tr:not(.spacer)")?.offsetHeight;
  if (!body || !scroller || !height || event.button) return;
  event.preventDefault();
  let at: Dragged | null = null;
  let frame = 0;
  const look = (moved: PointerEvent) => {
    at = { x: moved.clientX, y: moved.clientY, gap: 0 };
    frame ||= requestAnimationFrame(step);
  };
  // Held at an edge it scrolls on, though the pointer rests.
  const step = () => {
    frame = 0;
    if (!at) return;
    const box = scroller.getBoundingClientRect();
    const pace = at.y < box.top + EDGE ? -PACE : at.y > box.bottom - EDGE ? PACE : 0;
    const before = scroller.scrollTop;
    scroller.scrollTop += pace;
    if (scroller.scrollTop !== before) frame = requestAnimationFrame(step);
    at = { ...at, gap: gapAt(at.y - body.getBoundingClientRect().top, height, total) };
    show(at);
  };
  const end = (dropped: boolean) => {
    if (frame) {
      cancelAnimationFrame(frame);
      frame = 0;
      step();
      cancelAnimationFrame(frame);
    }
    stop.abort();
    show(null);
    if (dropped && at) fall(at.gap);
  };
  const stop = new AbortController();
  const { signal } = stop;
  addEventListener("pointermove", look, { signal });
  addEventListener("pointerup", () => end(true), { signal });
  addEventListener("pointercancel", () => end(false), { signal });
  addEventListener("keydown", (key) => key.key === "Escape" && end(false), {
    signal,
    capture: true,
  });
}
