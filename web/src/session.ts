// Who uses the page.
import { signal } from "@preact/signals";
import { call } from "./api/client";
import type { User } from "./api/documents";

export const user = signal<User | null>(null);

/** Read who is signed in; nobody is when the server says so. */
export async function readUser(): Promise<void> {
  user.value = (await call("users.get_current_user", {})).user as User;
}

export const isAdmin = (): boolean => ["admin", "system", "root"].includes(user.value?.role ?? "");
