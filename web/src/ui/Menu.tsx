import "./Menu.css";
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons";
import { Button, IconButton } from "./parts";

export interface MenuItem {
  word: string;
  icon?: IconName;
  danger?: boolean;
  /** Why it cannot be done now; shown instead of doing it. */
  disabled?: string | false | undefined;
  key?: string;
  onChoose: () => void;
}

interface MenuProps {
  label: string;
  items?: MenuItem[];
  /** A word on the button; without it the button is three dots. */
  word?: ComponentChildren;
  icon?: IconName;
  /** Anything else than a list of items. */
  children?: ComponentChildren;
}

/** A button that opens a list of things to do. */
export function Menu({ label, items = [], word, icon, children }: MenuProps) {
  const id = useId();
  const popover = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLSpanElement>(null);

  const place = () => {
    const box = button.current?.getBoundingClientRect();
    const list = popover.current;
    if (!box || !list) return;
    const below = innerHeight - box.bottom;
    const height = list.offsetHeight;
    list.style.left = `${Math.max(8, Math.min(box.left, innerWidth - list.offsetWidth - 8))}px`;
    list.style.top = `${below < height + 12 && box.top > below ? box.top - height - 4 : box.bottom + 4}px`;
    list.querySelector<HTMLElement>("[role=menuitem],input,button")?.focus();
  };

  return (
    <>
      <span ref={button} class="menu-button">
        {word ? (
          <Button kind="soft" popovertarget={id} aria-haspopup="menu" {...(icon && { icon })}>
            {word}
          </Button>
        ) : (
          <IconButton icon={icon ?? "more"} label={label} popovertarget={id} aria-haspopup="menu" />
        )}
      </span>
      <div
        ref={popover}
        id={id}
        popover="auto"
        class="menu"
        role={children ? "group" : "menu"}
        aria-label={label}
        onToggle={(event) => event.newState === "open" && place()}
        onKeyDown={walk}
      >
        {children ??
          items.map((item) => (
            <button
              type="button"
              role="menuitem"
              key={item.word}
              class={item.danger ? "danger" : ""}
              aria-disabled={item.disabled ? true : undefined}
              title={item.disabled || undefined}
              onClick={() => {
                if (item.disabled) return;
                popover.current?.hidePopover();
                item.onChoose();
              }}
            >
              {item.icon && <Icon name={item.icon} size={14} />}
              <span>{item.word}</span>
              {item.key && <kbd>{item.key}</kbd>}
            </button>
          ))}
      </div>
    </>
  );
}

function walk(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const list = event.currentTarget as HTMLElement;
  const items = [...list.querySelectorAll<HTMLElement>("[role=menuitem]")];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const next = (at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length;
  items[next]?.focus();
  event.preventDefault();
}
