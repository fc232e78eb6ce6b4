interface FieldProps {
  label: string;
  value: string;
  onText: (text: string) => void;
  placeholder?: string;
  autocomplete?: "name" | "new-password" | "off";
  autocapitalize?: "none";
  required?: boolean;
  autofocus?: boolean;
  /** Show nothing of what is written. */
  secret?: boolean;
}

/** A line of text with its label above it. */
export function Field({ label, onText, secret, ...rest }: FieldProps) {
  const input = {
    ...rest,
    onInput: (event: { currentTarget: HTMLInputElement }) => onText(event.currentTarget.value),
  };
  return (
    <label class="field">
      {label}
      {secret ? <input type="password" {...input} /> : <input {...input} />}
    </label>
  );
}
