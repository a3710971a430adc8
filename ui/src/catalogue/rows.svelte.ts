/** The catalogue as a long table: pages of it are fetched as they come into view, in the order and with the filter asked for. */

import type { Build, BuildFilter, BuildId, BuildList } from '../lib/ipc';
import { Pages, type Slice } from '../lib/state/pages.svelte';
import { type Query, everything, toFilter } from './query';

export { PAGE } from '../lib/state/pages.svelte';

export class BuildRows extends Pages<Build> {
  query = $state.raw<Query>(everything);
  readonly #list: (filter: BuildFilter) => Promise<BuildList>;

  constructor(list: (filter: BuildFilter) => Promise<BuildList>) {
    super();
    this.#list = list;
  }

  /** Asks anew with another query; the old rows stay until the new ones are there. */
  async set(query: Query): Promise<void> {
    this.query = query;
    await this.restart();
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

  protected override async slice(offset: number, limit: number): Promise<Slice<Build>> {
    const { total, builds } = await this.#list(toFilter(this.query, offset, limit));
    return { total, rows: builds };
  }
}
