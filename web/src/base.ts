/** Where the page lies: `/`, or what a reverse proxy puts before it, with a slash at the end. */
export const base = new URL(document.baseURI).pathname.replace(/[^/]*$/, "");

/** The address of a path of ours (`/tasks`), wherever the page lies. */
export const href = (path: string): string => base + path.replace(/^\//, "");
