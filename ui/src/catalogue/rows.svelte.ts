/** The catalogue as a long table: pages of it are fetched as they come into view, in the order and with the filter asked for. */

import { SvelteMap } from 'svelte/reactivity';
import { type Build, type BuildFilter, type BuildId, type BuildList, Failure } from '../lib/ipc';
import { type Query, everything, toFilter } from './query';

export const PAGE = 100;

export class BuildRows {
  query = $state.raw<Query>(everything);
  /** Builds that match; null before the first answer. */
  total = $state<number | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** Whether an answer to a changed query is awaited; what is shown meanwhile is the old one. */
  pending = $state(false);

  readonly #pages = new SvelteMap<number, readonly Build[]>();
  readonly #asked = new Set<number>();
  readonly #list: (filter: BuildFilter) => Promise<BuildList>;
  #round = 0;
  #range = { from: 0, to: 1 };

  constructor(list: (filter: BuildFilter) => Promise<BuildList>) {
    this.#list = list;
  }

  row(index: number): Build | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** All rows that are here, with their place. */
  *loaded(): Generator<[index: number, build: Build]> {
    for (const [page, builds] of this.#pages) for (const [i, build] of builds.entries()) yield [page * PAGE + i, build];
  }

  /** Fetches what is missing of rows `from .. to`. */
  ensure(from: number, to: number): void {
    this.#range = { from, to: Math.max(from + 1, to) };
    for (const page of this.#wanted()) if (!this.#pages.has(page) && !this.#asked.has(page)) void this.#fetch(page);
  }

  /** Asks anew with another query; the old rows stay until the new ones are there. */
  async set(query: Query): Promise<void> {
    this.query = query;
    this.#range = { from: 0, to: 1 };
    await this.refresh();
  }

  /** Asks again for what is in view. */
  async refresh(): Promise<void> {
    const round = ++this.#round;
    const wanted = this.#wanted();
    this.pending = true;
    try {
      const answers = await Promise.all(wanted.map((page) => this.#list(toFilter(this.query, page * PAGE, PAGE))));
      if (round !== this.#round) return;
      this.#pages.clear();
      this.#asked.clear();
      answers.forEach((answer, i) => this.#pages.set(wanted[i] as number, answer.builds));
      this.total = answers[0]?.total ?? 0;
      this.failure = null;
    } catch (thrown) {
      if (round === this.#round) this.failure = Failure.from(thrown);
    } finally {
      if (round === this.#round) this.pending = false;
    }
  }

  /** Returns the ids of rows `from ..= to`, fetching those that are not here. */
  async ids(from: number, to: number): Promise<BuildId[]> {
    const found: BuildId[] = [];
    for (let at = from; at <= to;) {
      const row = this.row(at);
      if (row) {
        found.push(row.id);
        at += 1;
        continue;
      }
      const { builds } = await this.#list(toFilter(this.query, at, Math.min(500, to - at + 1)));
      if (builds.length === 0) break;
      found.push(...builds.map((build) => build.id));
      at += builds.length;
    }
    return found;
  }

  async #fetch(page: number): Promise<void> {
    const round = this.#round;
    this.#asked.add(page);
    try {
      const answer = await this.#list(toFilter(this.query, page * PAGE, PAGE));
      if (round !== this.#round) return;
      this.#pages.set(page, answer.builds);
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
