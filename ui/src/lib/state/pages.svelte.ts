import { SvelteMap } from 'svelte/reactivity';
import { Failure } from '../ipc';

/** Rows from an offset on, and how many there are in all. */
export type Slice<Row> = { total: number; rows: readonly Row[] };

export const PAGE = 100;

/** A long list of which pages are fetched as they come into view. */
export abstract class Pages<Row> {
  /** Rows in all; null before the first answer. */
  total = $state<number | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** Whether an answer to a changed question is awaited; what is shown meanwhile is the old one. */
  pending = $state(false);

  readonly #pages = new SvelteMap<number, readonly Row[]>();
  readonly #asked = new Set<number>();
  #round = 0;
  #range = { from: 0, to: 1 };

  protected abstract slice(offset: number, limit: number): Promise<Slice<Row>>;

  row(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** All rows that are here, with their place. */
  *loaded(): Generator<[index: number, row: Row]> {
    for (const [page, rows] of this.#pages) for (const [i, row] of rows.entries()) yield [page * PAGE + i, row];
  }

  /** Fetches what is missing of rows `from .. to`. */
  ensure(from: number, to: number): void {
    this.#range = { from, to: Math.max(from + 1, to) };
    for (const page of this.#wanted()) if (!this.#pages.has(page) && !this.#asked.has(page)) void this.#fetch(page);
  }

  /** Asks anew from the top; the old rows stay until the new ones are there. */
  async restart(): Promise<void> {
    this.#range = { from: 0, to: 1 };
    await this.refresh();
  }

  /** Asks again for what is in view. */
  async refresh(): Promise<void> {
    const round = ++this.#round;
    const wanted = this.#wanted();
    this.pending = true;
    try {
      const answers = await Promise.all(wanted.map((page) => this.slice(page * PAGE, PAGE)));
      if (round !== this.#round) return;
      this.#pages.clear();
      this.#asked.clear();
      answers.forEach((answer, i) => this.#pages.set(wanted[i] as number, answer.rows));
      this.total = answers[0]?.total ?? 0;
      this.failure = null;
    } catch (thrown) {
      if (round === this.#round) this.failure = Failure.from(thrown);
    } finally {
      if (round === this.#round) this.pending = false;
    }
  }

  async #fetch(page: number): Promise<void> {
    const round = this.#round;
    this.#asked.add(page);
    try {
      const answer = await this.slice(page * PAGE, PAGE);
      if (round !== this.#round) return;
      this.#pages.set(page, answer.rows);
      this.total = answer.total;
    } catch (thrown) {
      if (round === this.#round) this.failure = Failure.from(thrown);
    } finally {
      this.#asked.delete(page);
    }
  }

  #wanted(): number[] {
    const first = Math.floor(this.#range.from / PAGE);
    const last = Math.floor(Math.max(this.#range.from, this.#range.to - 1) / PAGE);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }
}
