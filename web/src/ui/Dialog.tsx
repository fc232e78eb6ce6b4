import "./Dialog.css";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Button, type ButtonProps, IconButton } from "./parts";

interface DialogProps {
  title: ComponentChildren;
  onClose: () => void;
  /** Buttons at the end: what is done comes last. */
  actions?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

/** A question that holds everything else up. Show it by rendering it. */
export function Dialog({ title, onClose, actions, class: extra, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={extra}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === element.current && onClose()}
    >
      <div class="dialog">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <span class="spring" />
          <IconButton icon="cross" label="Close" onClick={onClose} />
        </header>
        <div class="dialog-body">{children}</div>
        {actions && <footer>{actions}</footer>}
      </div>
    </dialog>
  );
}

type AnswersProps = Omit<ButtonProps, "kind"> & {
  /** Repeats the verb of the title. */
  verb: ComponentChildren;
  danger?: boolean | undefined;
  onCancel: () => void;
};

/** The buttons of a dialog: one leaves all as it is, the other does it. */
export function Answers({ verb, danger, onCancel, ...does }: AnswersProps) {
  return (
    <>
      <Button onClick={onCancel}>Cancel</Button>
      <Button kind={danger ? "danger" : "primary"} {...does}>
        {verb}
      </Button>
    </>
  );
}

interface ConfirmProps {
  /** Names the object: `Clear gpu-large`. */
  title: string;
  /** Repeats the verb: `Clear`. */
  verb: string;
  danger?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  /** Says what will happen. */
  children: ComponentChildren;
}

/** Asks before something that cannot be taken back. */
export function Confirm({
  title,
  verb,
  danger = true,
  onConfirm,
  onClose,
  children,
}: ConfirmProps) {
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <Answers
          verb={verb}
          danger={danger}
          onCancel={onClose}
          onClick={() => {
            onClose();
            onConfirm();
          }}
        />
      }
    >
      {children}
    </Dialog>
  );
}

interface SheetProps {
  title: ComponentChildren;
  onClose: () => void;
  wide?: boolean;
  children: ComponentChildren;
}

/** A panel at the right that leaves the list beside it in use. Esc closes it. */
export function Sheet({ title, onClose, wide, children }: SheetProps) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    element.current?.focus();
    return () => before?.focus?.();
  }, []);
  return (
    <div
      ref={element}
      class={`sheet ${wide ? "wide" : ""}`}
      role="dialog"
      aria-labelledby="sheet-title"
      tabIndex={-1}
      onKeyDown={(event) => {
        // A dialog that is asked from here closes before it.
        const inside = (event.target as Element).closest("dialog");
        if (event.key === "Escape" && !event.defaultPrevented && !inside) {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <header>
        <h2 id="sheet-title">{title}</h2>
        <span class="spring" />
        <IconButton icon="cross" label="Close" onClick={onClose} />
      </header>
      <div class="sheet-body">{children}</div>
    </div>
  );
}
