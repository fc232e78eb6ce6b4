import { CodeBlock } from "./CodeBlock";
import { Dialog } from "./Dialog";

/** What is done, and the command line that does it. */
export type Command = readonly [what: string, text: string];

/** Command lines to copy that do what can be done here. */
export function Commands(props: {
  title: string;
  commands: readonly Command[];
  onClose: () => void;
}) {
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      {props.commands.map(([what, text]) => (
        <div key={what}>
          <small class="muted">{what}</small>
          <CodeBlock label={what} text={text} />
        </div>
      ))}
    </Dialog>
  );
}
