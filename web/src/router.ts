// Where we are, and going elsewhere without loading the page again.
import { computed, signal } from "@preact/signals";
import { base, href } from "./base";

interface Place {
  path: string;
  query: string;
  hash: string;
}

function here(): Place {
  const path = `/${location.pathname.slice(base.length)}`;
  return { path, query: location.search, hash: location.hash };
}

export const place = signal<Place>(here());
export const path = computed(() => place.value.path);
export const query = computed(() => new URLSearchParams(place.value.query));
export const hash = computed(() => place.value.hash.slice(1));

addEventListener("popstate", () => {
  place.value = here();
});
addEventListener("hashchange", () => {
  place.value = here();
});

/** Go to a path of ours, which may have a query and a hash. */
export function go(to: string, options: { replace?: boolean } = {}): void {
  history[options.replace ? "replaceState" : "pushState"](null, "", href(to));
  place.value = here();
}

/** Change some of the query, in place: what a page shows is in its address. Null takes a key away. */
export function setQuery(changes: Record<string, string | null>): void {
  const wanted = new URLSearchParams(place.value.query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === "") wanted.delete(key);
    else wanted.set(key, value);
  }
  const text = wanted.toString();
  go(place.value.path + (text ? `?${text}` : "") + place.value.hash, { replace: true });
}

/** Follow links to pages of ours without loading the page again. */
export function followLinks(owns: (path: string) => boolean): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey)
      return;
    const link = (event.target as Element).closest?.("a[href]") as HTMLAnchorElement | null;
    if (!link || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !url.pathname.startsWith(base)) return;
    const to = `/${url.pathname.slice(base.length)}`;
    if (!owns(to)) return;
    event.preventDefault();
    go(to + url.search + url.hash);
  });
}
