// Calls of the API, with the session's cookie.
import { signal } from "@preact/signals";
import { base } from "../base";
import type { Actions } from "./actions";

export type Name = keyof Actions;
/** Queries also take any field of what they find, as a filter. */
export type Ask<N extends Name> = N extends `${string}.get_all${string}`
  ? Actions[N]["ask"] & Record<string, unknown>
  : Actions[N]["ask"];
export type Answer<N extends Name> = Actions[N]["answer"];

/** The server said no: what, and what to do. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly code: number,
    readonly subcode: number,
    readonly hint: string,
    readonly data: Record<string, unknown>,
  ) {
    super(message);
  }
}

/** No answer came: no network, no server, or a proxy that speaks instead of it. */
export class Unreachable extends Error {
  constructor(readonly url: string) {
    super(`No answer from ${url}`);
  }
}

/** Whether somebody is signed in; until the first answer it is known only if the server said so
 * with the page. */
export const signedIn = signal<boolean | undefined>(
  "session" in document.documentElement.dataset || undefined,
);

/** Milliseconds that the last call took, there and back. */
export const roundTrip = signal(0);

const PATIENCE = 30_000;

/** Do an action. Throws Refused or Unreachable; a wrong session shows the sign-in page as well. */
export async function call<N extends Name>(
  name: N,
  body: Ask<N>,
  options: { headers?: Record<string, string>; signal?: AbortSignal; patience?: number } = {},
): Promise<Answer<N>> {
  const { meta, data } = await exchange(name, JSON.stringify(body), options);
  if (meta.result_code === 200) {
    // Some actions are open to all, and say nothing about the session.
    if (name !== "login.supported_modes") signedIn.value = true;
    return data as Answer<N>;
  }
  if (meta.result_code === 401 && name !== "auth.login") signedIn.value = false;
  const details = (meta.error_data ?? {}) as Record<string, unknown>;
  throw new Refused(
    meta.result_msg,
    meta.result_code,
    meta.result_subcode,
    typeof details.hint === "string" ? details.hint : "",
    details,
  );
}

interface Envelope {
  meta: { result_code: number; result_subcode: number; result_msg: string; error_data?: object };
  data: unknown;
}

async function exchange(
  name: string,
  body: string,
  options: { headers?: Record<string, string>; signal?: AbortSignal; patience?: number },
): Promise<Envelope> {
  const url = `${base}${name}`;
  // Signals that are combined or timed by the browser hold what they are given, the answer with it,
  // until long after the call: a page that reads often would grow.
  const ending = new AbortController();
  const end = () => ending.abort();
  const limit = setTimeout(end, options.patience ?? PATIENCE);
  options.signal?.addEventListener("abort", end);
  if (options.signal?.aborted) end();
  const began = performance.now();
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...options.headers },
      body,
      signal: ending.signal,
    });
    const read = (await answer.json()) as Envelope;
    roundTrip.value = performance.now() - began;
    return read;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable(new URL(base, location.href).href);
  } finally {
    clearTimeout(limit);
    options.signal?.removeEventListener("abort", end);
  }
}

/** Start a session with a key pair, or with a name and a password. */
export async function signIn(name: string, secret: string): Promise<void> {
  const bytes = new TextEncoder().encode(`${name}:${secret}`);
  const keys = btoa(String.fromCharCode(...bytes));
  await call("auth.login", {}, { headers: { Authorization: `Basic ${keys}` } });
}

/** What went wrong, in words for people. */
export function words(error: unknown): { what: string; hint: string } {
  if (error instanceof Refused) return { what: error.message, hint: error.hint };
  if (error instanceof Unreachable)
    return { what: error.message, hint: "Is the server running? It is tried again." };
  return { what: error instanceof Error ? error.message : String(error), hint: "" };
}
