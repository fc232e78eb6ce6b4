// Keys that do something anywhere on the page, unless somebody types.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export interface KeyAction {
  /** What is pressed: `c`, `?`, or one after the other: `g o`. */
  keys: string;
  word: string;
  act: () => void;
}

/** All that work at the moment, the latest first: what the cheat sheet shows. */
export const active = signal<KeyAction[]>([]);

const SEQUENCE = 1_200;
let begun = "";
let beganAt = 0;

export const keysOn = signal(localStorage.getItem("keys") !== "off");
export function setKeysOn(on: boolean): void {
  keysOn.value = on;
  localStorage.setItem("keys", on ? "on" : "off");
}

/** Have keys work while the component is there. */
export function useKeys(actions: KeyAction[], deps: unknown[] = []): void {
  useEffect(() => {
    active.value = [...actions, ...active.peek()];
    return () => {
      active.value = active.peek().filter((one) => !actions.includes(one));
    };
  }, deps);
}

function types(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return (
    !!element?.closest?.("input,textarea,select,[contenteditable],dialog") &&
    !(element instanceof HTMLInputElement && element.type === "checkbox")
  );
}

export function listenForKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (!keysOn.value || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey)
      return;
    if (types(event.target) || event.key === "Shift") return;
    const sequence = Date.now() - beganAt < SEQUENCE && begun ? `${begun} ${event.key}` : event.key;
    const found = active.value.find(({ keys }) => keys === sequence);
    begun = "";
    if (found) {
      event.preventDefault();
      found.act();
    } else if (active.value.some(({ keys }) => keys.startsWith(`${event.key} `))) {
      begun = event.key;
      beganAt = Date.now();
    }
  });
}
