// Whether the palette or the cheat sheet is open.
import { signal } from "@preact/signals";

export const overlay = signal<"palette" | "keys" | null>(null);

export const openPalette = (): void => {
  overlay.value = "palette";
};
