/** How well a title answers what was typed: every word must begin a word of it, or at least be in it. */

/** Higher is better, nothing if it does not match. An empty query matches everything. */
export function rank(query: string, title: string): number | null {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const text = title.toLowerCase();
  let score = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return null;
    if (at === 0) score += 3;
    else if (/[\s/_.-]/.test(text[at - 1] ?? '')) score += 2;
    else score += 1;
  }
  return score - text.length / 1000;
}

/** The items that match, best first; in their own order when nothing was typed. */
export function best<T>(items: T[], query: string, title: (item: T) => string, most: number): T[] {
  if (!query.trim()) return items.slice(0, most);
  return items
    .flatMap((item) => {
      const score = rank(query, title(item));
      return score === null ? [] : [{ item, score }];
    })
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ item }) => item);
}
