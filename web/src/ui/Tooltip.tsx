// One tip for all elements that have `data-tip`: after a moment under the pointer, or on focus.
import "./Tooltip.css";
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

interface Tip {
  text: string;
  box: DOMRect;
}

const tip = signal<Tip | null>(null);
const AFTER = 300;

export function Tooltip() {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (event: Event, after: number) => {
      clearTimeout(timer);
      const target = (event.target as Element | null)?.closest?.<HTMLElement>("[data-tip]");
      if (!target?.dataset.tip) {
        tip.value = null;
        return;
      }
      timer = setTimeout(() => {
        const text = target.isConnected ? target.dataset.tip : "";
        tip.value = text ? { text, box: target.getBoundingClientRect() } : null;
      }, after);
    };
    const over = (event: Event) => show(event, AFTER);
    const focus = (event: Event) =>
      (event.target as Element).matches?.(":focus-visible") && show(event, 0);
    const hide = () => {
      clearTimeout(timer);
      tip.value = null;
    };
    document.addEventListener("pointerover", over);
    document.addEventListener("focusin", focus);
    for (const name of ["pointerdown", "keydown", "scroll", "focusout"])
      document.addEventListener(name, hide, true);
    return () => {
      document.removeEventListener("pointerover", over);
      document.removeEventListener("focusin", focus);
      for (const name of ["pointerdown", "keydown", "scroll", "focusout"])
        document.removeEventListener(name, hide, true);
    };
  }, []);
  useLayoutEffect(() => {
    const shown = tip.value;
    const box = element.current;
    if (!shown || !box) return;
    const left = shown.box.left + shown.box.width / 2 - box.offsetWidth / 2;
    const above = shown.box.top - box.offsetHeight - 6;
    box.style.left = `${Math.max(6, Math.min(left, innerWidth - box.offsetWidth - 6))}px`;
    box.style.top = `${above > 6 ? above : shown.box.bottom + 6}px`;
  }, [tip.value]);
  return tip.value ? (
    <div ref={element} class="tooltip" role="tooltip">
      {tip.value.text}
    </div>
  ) : null;
}
