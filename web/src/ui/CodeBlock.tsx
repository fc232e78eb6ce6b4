import { useState } from "preact/hooks";
import { IconButton } from "./parts";
import { toast } from "./Toast";

/** Put text on the clipboard. Pages of a lab come over plain http, where browsers have no
 * clipboard API: then a hidden field is selected and copied. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed: the old way may be.
    }
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("readonly", "");
  field.className = "off-screen";
  // Inside an open dialog nothing outside can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  const focused = document.activeElement as HTMLElement | null;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) {
      toast("The browser does not allow copying: select the text and copy it by hand");
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <IconButton
      icon={copied ? "tick" : "copy"}
      label={copied ? "Copied" : label}
      class="copy"
      onClick={() => void copy()}
    />
  );
}

/** Text to be copied: a command, or a few lines of code. */
export function CodeBlock({ text, label }: { text: string; label?: string }) {
  return (
    <div class="code">
      <pre tabIndex={0} role="group" aria-label={label ?? "To copy"}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} />
    </div>
  );
}
