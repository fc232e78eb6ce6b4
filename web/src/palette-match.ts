/** How well a typed text fits a name: 0 not at all, more is better. The letters typed must come in
 * their order; beginnings of words and runs of letters count for more. */
export function matchScore(typed: string, name: string): number {
  const wanted = typed.toLowerCase().replace(/\s+/g, "");
  const text = name.toLowerCase();
  if (!wanted) return 1;
  let score = 0;
  let from = 0;
  let last = -2;
  for (const letter of wanted) {
    const at = text.indexOf(letter, from);
    if (at < 0) return 0;
    const begins = at === 0 || /[\s/_.:-]/.test(text[at - 1] ?? "");
    score += 1 + (at === last + 1 ? 3 : 0) + (begins ? 2 : 0);
    last = at;
    from = at + 1;
  }
  return (
    score + 10 / (text.length + 1) + (text.startsWith(wanted) ? 20 : 0) + (text === wanted ? 50 : 0)
  );
}
