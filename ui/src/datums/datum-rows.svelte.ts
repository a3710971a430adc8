/** The datums of a job as a long list: pages of it are fetched as they come into view. */
import { ask, commands, type Datum, type DatumState } from '../lib/ipc';
import { Pages, type Slice } from '../lib/state/pages.svelte';

export type DatumQuery = { state: DatumState | null; path: string };

export const everyDatum: DatumQuery = { state: null, path: '' };

export class DatumRows extends Pages<Datum> {
  query = $state.raw<DatumQuery>(everyDatum);
  readonly #job: string;

  constructor(job: string) {
    super();
    this.#job = job;
  }

  /** Asks anew with another query; the old rows stay until the new ones are there. */
  async set(query: DatumQuery): Promise<void> {
    this.query = query;
    await this.restart();
  }

  protected override async slice(offset: number, limit: number): Promise<Slice<Datum>> {
    const { state, path } = this.query;
    const filter = { states: state ? [state] : [], path: path.trim() || null, offset, limit };
    const { total, datums } = await ask(commands.listDatums(this.#job, filter));
    return { total, rows: datums };
  }
}
