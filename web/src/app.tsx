// The page's beginning: who is there, which page is asked for, and what is around it.
import { signal } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/parts.css";
import "./ui/fields.css";
import "./ui/shell.css";
import { signedIn, words } from "./api/client";
import { listenForKeys, useKeys } from "./keys";
import { connect } from "./live/link";
import Login from "./pages/login";
import { openPalette, overlay } from "./palette-state";
import { followLinks, go, path } from "./router";
import type { PageProps, Params } from "./page-props";
import { match, owns, translated } from "./routes";
import { readUser, user } from "./session";
import { Page, Shell } from "./shell";
import { Button, EmptyState } from "./ui/parts";
import { Toasts } from "./ui/Toast";
import { Tooltip } from "./ui/Tooltip";

function App() {
  if (signedIn.value === false) return <Login />;
  if (!user.value && !signedIn.value) return <Beginning />;
  return (
    <>
      <Current />
      <Overlays />
      <Toasts />
      <Tooltip />
    </>
  );
}

const AGAIN = 3_000;
const trouble = signal<unknown>(null);

/** Ask who is there: while the rest is loaded, and again while no answer comes. */
function ask(): void {
  readUser().catch((error: unknown) => {
    if (signedIn.peek() === false) return;
    trouble.value = error;
    setTimeout(ask, AGAIN);
  });
}

/** Until it is known who is there: nothing, and soon why it takes long. */
function Beginning() {
  if (!trouble.value) return null;
  const { what, hint } = words(trouble.value);
  return (
    <main class="login">
      <EmptyState title={what}>
        <p>{hint}</p>
      </EmptyState>
    </main>
  );
}

interface Shown {
  page: ComponentType<PageProps>;
  params: Params;
  section: string;
}

function Current() {
  const here = path.value;
  const [shown, setShown] = useState<Shown | null>(null);
  useLayoutEffect(() => {
    const other = translated(here);
    if (other) {
      go(other, { replace: true });
      return;
    }
    const found = match(here);
    if (!found) {
      setShown({ page: NotFound, params: {}, section: "" });
      return;
    }
    let gone = false;
    found.load().then(
      ({ default: page }) => {
        if (!gone) setShown({ page, params: found.params, section: found.section });
      },
      // The server was updated and no longer has the old parts of the page.
      () => setShown({ page: Outdated, params: {}, section: found.section }),
    );
    return () => {
      gone = true;
    };
  }, [here]);
  if (!shown) return <Shell section={match(here)?.section ?? ""}>{null}</Shell>;
  const { page: Shown, params, section } = shown;
  return (
    <Shell section={section}>
      <Shown params={params} />
    </Shell>
  );
}

function NotFound() {
  return (
    <Page title="Not found">
      <EmptyState title="There is no such page">
        <p>Search for a task, a queue or a worker instead.</p>
        <Button kind="primary" onClick={openPalette}>
          Search
        </Button>
      </EmptyState>
    </Page>
  );
}

function Outdated() {
  return (
    <Page title="Reload">
      <EmptyState title="This page could not be loaded">
        <p>The server may have been updated, or be away.</p>
        <Button kind="primary" onClick={() => location.reload()}>
          Reload
        </Button>
      </EmptyState>
    </Page>
  );
}

/** The palette and the cheat sheet, loaded when they are first asked for. */
function Overlays() {
  const [Overlay, setOverlay] = useState<{ show: ComponentType<{ kind: "palette" | "keys" }> }>();
  const kind = overlay.value;
  useKeys([
    {
      keys: "?",
      word: "Show all keys",
      act: () => {
        overlay.value = "keys";
      },
    },
    { keys: "/", word: "Search on this page", act: focusSearch },
    { keys: "j", word: "Walk the rows", act: focusTable },
  ]);
  useEffect(() => {
    const open = (event: KeyboardEvent) => {
      if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      openPalette();
    };
    document.addEventListener("keydown", open);
    return () => document.removeEventListener("keydown", open);
  }, []);
  useEffect(() => {
    if (kind && !Overlay)
      void import("./palette").then(({ default: show }) => setOverlay({ show }));
  }, [kind]);
  return kind && Overlay ? <Overlay.show kind={kind} /> : null;
}

function focusSearch(): void {
  const field = document.querySelector<HTMLElement>("[data-search]");
  if (field) field.focus();
  else openPalette();
}

const focusTable = (): void => document.querySelector<HTMLElement>("[role=grid]")?.focus();

ask();
listenForKeys();
// While it is asked who is there, the page comes already.
match(path.peek())
  ?.load()
  .catch(() => {});
followLinks(owns);
connect();
const root = document.getElementById("app");
if (root) render(<App />, root);
