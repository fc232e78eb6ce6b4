// How the page is displayed: width, theme, density.
import { computed, effect, signal } from "@preact/signals";

const narrow = matchMedia("(max-width: 899.98px)");
export const isPhone = signal(narrow.matches);
narrow.addEventListener("change", () => {
  isPhone.value = narrow.matches;
});

export type Theme = "light" | "dark" | "system";
export type Density = "normal" | "compact";

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(prefersDark.matches);
prefersDark.addEventListener("change", () => {
  systemDark.value = prefersDark.matches;
});

export const theme = signal<Theme>((localStorage.getItem("theme") as Theme | null) ?? "system");
export const density = signal<Density>(
  localStorage.getItem("density") === "compact" ? "compact" : "normal",
);

export const isDark = computed(() =>
  theme.value === "system" ? systemDark.value : theme.value === "dark",
);

/** Pixels of one row of a table. */
export const rowHeight = computed(() => (density.value === "compact" ? 26 : 32));

effect(() => {
  document.documentElement.dataset.theme = isDark.value ? "dark" : "light";
  document.documentElement.dataset.density = density.value;
});

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === "system") localStorage.removeItem("theme");
  else localStorage.setItem("theme", next);
}

export function setDensity(next: Density): void {
  density.value = next;
  localStorage.setItem("density", next);
}
