import { useState } from "preact/hooks";
import { signIn, words } from "../api/client";
import { again } from "../live/link";
import { readUser } from "../session";
import { Button } from "../ui/parts";

/** Asks who is there; the address stays, so that the page asked for comes next. */
export default function Login() {
  const [name, setName] = useState("");
  const [secret, setSecret] = useState("");
  const [trouble, setTrouble] = useState<{ what: string; hint: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(name, secret);
      await readUser();
      again();
    } catch (error) {
      setTrouble(words(error));
      setBusy(false);
    }
  };
  return (
    <main class="login" id="main">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <div class="logo">
          <i />
          <span>Taskyard</span>
        </div>
        <h1>Sign in</h1>
        <p class="muted">
          With a key pair, or a user's name and password. <code>taskyard env</code> prints your
          keys.
        </p>
        {trouble && (
          <p class="trouble" role="alert">
            {trouble.what}
            {trouble.hint && <small>{trouble.hint}</small>}
          </p>
        )}
        <label>
          Access key or name
          <input
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            autofocus
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label>
          Secret key or password
          <input
            type="password"
            autocomplete="current-password"
            required
            value={secret}
            onInput={(event) => setSecret(event.currentTarget.value)}
          />
        </label>
        <Button type="submit" kind="primary" disabled={busy}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
