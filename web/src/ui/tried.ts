// Doing something, and saying in the corner when it went wrong.
import { words } from "../api/client";
import { toast } from "./Toast";

/** Say what went wrong. */
export function complain(error: unknown): void {
  const { what, hint } = words(error);
  toast(what, { tone: "bad", hint });
}

/** Do something; complains when it goes wrong. True when it went well. */
export async function tried(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}
