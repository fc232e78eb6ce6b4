// What a terminal would show of a line: colours as class names, other escapes left out. No I/O.

export interface Piece {
  text: string;
  /** Class names, such as `a1 bold`; empty for plain text. */
  look: string;
}

interface Look {
  colour: string;
  behind: string;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  under: boolean;
}

const PLAIN: Look = {
  colour: "",
  behind: "",
  bold: false,
  dim: false,
  italic: false,
  under: false,
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPE =
  /\x1b(?:\[([0-9;:?]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()][A-Za-z0-9]|[=>@-Z\\^_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they cannot be shown
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f]/g;

/** What is left of a line that was written over: a carriage return begins it anew. */
export function lastWritten(text: string): string {
  if (!text.includes("\r")) return text;
  const parts = text.split("\r");
  for (let at = parts.length - 1; at >= 0; at--) if (parts[at]) return parts[at] as string;
  return "";
}

/** A line in pieces of one look each. */
export function pieces(line: string): Piece[] {
  const text = lastWritten(line);
  if (!text.includes("\x1b")) return [{ text: text.replace(UNSEEN, ""), look: "" }];
  const found: Piece[] = [];
  let look = PLAIN;
  let from = 0;
  const add = (part: string) => {
    const seen = part.replace(UNSEEN, "");
    if (seen) found.push({ text: seen, look: classes(look) });
  };
  for (const match of text.matchAll(ESCAPE)) {
    add(text.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") look = changed(look, match[1] ?? "");
  }
  add(text.slice(from));
  return found;
}

/** A line as plain text: what is searched and copied. */
export const plain = (line: string): string =>
  pieces(line)
    .map((piece) => piece.text)
    .join("");

function changed(before: Look, codes: string): Look {
  const look = { ...before };
  const all = codes.split(/[;:]/).map(Number);
  for (let at = 0; at < all.length; at++) {
    const code = all[at] as number;
    if (code === 0) Object.assign(look, PLAIN);
    else if (code === 1) look.bold = true;
    else if (code === 2) look.dim = true;
    else if (code === 3) look.italic = true;
    else if (code === 4) look.under = true;
    else if (code === 22) look.bold = look.dim = false;
    else if (code === 23) look.italic = false;
    else if (code === 24) look.under = false;
    else if (code >= 30 && code <= 37) look.colour = `a${code - 30}`;
    else if (code >= 90 && code <= 97) look.colour = `a${code - 82}`;
    else if (code === 39) look.colour = "";
    else if (code >= 40 && code <= 47) look.behind = `b${code - 40}`;
    else if (code >= 100 && code <= 107) look.behind = `b${code - 92}`;
    else if (code === 49) look.behind = "";
    else if (code === 38 || code === 48) {
      const [name, used] = far(all.slice(at + 1));
      if (code === 38) look.colour = name && `a${name}`;
      else look.behind = name && `b${name}`;
      at += used;
    }
  }
  return look;
}

/** One of 256 colours or of all: the nearest of the sixteen that both themes have; and how many
 * numbers it took to say. */
function far([kind, ...rest]: number[]): [string, number] {
  if (kind === 5) {
    const n = rest[0] ?? 0;
    if (n < 16) return [String(n), 2];
    if (n >= 232) return [n < 244 ? "8" : "7", 2];
    const cube = n - 16;
    return [nearest(Math.floor(cube / 36) / 5, (Math.floor(cube / 6) % 6) / 5, (cube % 6) / 5), 2];
  }
  if (kind === 2) {
    const [r = 0, g = 0, b = 0] = rest;
    return [nearest(r / 255, g / 255, b / 255), 4];
  }
  return ["", 0];
}

function nearest(r: number, g: number, b: number): string {
  const most = Math.max(r, g, b);
  const on = (x: number) => (most > 0.25 && x > most * 0.55 ? 1 : 0);
  return String(on(r) + 2 * on(g) + 4 * on(b) + (most > 0.8 ? 8 : 0));
}

function classes(look: Look): string {
  return [
    look.colour,
    look.behind,
    look.bold && "bold",
    look.dim && "dim",
    look.italic && "italic",
    look.under && "under",
  ]
    .filter(Boolean)
    .join(" ");
}
