/** A search through a whole log: the engine finds the lines, this one walks them. */

/** Most hits the engine names. */
export const MOST = 10_000;

export class LogSearch {
  query = $state('');
  /** Line numbers with a hit, rising. */
  hits = $state.raw<readonly number[]>([]);
  /** Which of them is looked at; -1 before the first. */
  at = $state(-1);
  pending = $state(false);
  problem = $state.raw<unknown>(null);

  readonly line = $derived(this.hits[this.at] ?? null);
  /** "3 of 120", "no hits". */
  readonly words = $derived.by(() => {
    if (this.query === '') return '';
    if (this.problem) return 'search failed';
    if (this.hits.length === 0) return this.pending ? '' : 'no hits';
    const total = this.hits.length >= MOST ? '10,000+' : this.hits.length.toLocaleString('en');
    return this.at < 0 ? total : `${(this.at + 1).toLocaleString('en')} of ${total}`;
  });

  #latest = 0;
  readonly #find: (text: string) => Promise<number[]>;

  constructor(find: (text: string) => Promise<number[]>) {
    this.#find = find;
  }

  /** Looks for `query`; `from` is the line whose next hit is looked at first. */
  async run(query: string, from = 0): Promise<void> {
    const mine = ++this.#latest;
    this.query = query;
    this.problem = null;
    if (query === '') {
      this.hits = [];
      this.at = -1;
      this.pending = false;
      return;
    }
    this.pending = true;
    try {
      const hits = await this.#find(query);
      if (mine !== this.#latest) return;
      this.hits = hits;
      this.at = hits.length === 0 ? -1 : Math.max(0, firstAtLeast(hits, from) % hits.length);
    } catch (problem) {
      if (mine === this.#latest) this.problem = problem;
    } finally {
      if (mine === this.#latest) this.pending = false;
    }
  }

  /** Looks again after the log grew, staying at the same hit. */
  async again(): Promise<void> {
    if (this.query === '' || this.pending) return;
    const [query, line] = [this.query, this.line];
    const mine = ++this.#latest;
    try {
      const hits = await this.#find(query);
      if (mine !== this.#latest) return;
      this.hits = hits;
      this.at = line === null ? Math.min(this.at, hits.length - 1) : hits.indexOf(line);
    } catch (problem) {
      if (mine === this.#latest) this.problem = problem;
    }
  }

  next(): void {
    if (this.hits.length > 0) this.at = (this.at + 1) % this.hits.length;
  }

  previous(): void {
    if (this.hits.length > 0) this.at = (Math.max(this.at, 0) - 1 + this.hits.length) % this.hits.length;
  }
}

function firstAtLeast(sorted: readonly number[], least: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
