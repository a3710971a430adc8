/** Folders of a commit and differences of two as long lists: pages of them are fetched as they come into view. */
import { ask, commands, type DataChange, type DataEntry } from '../lib/ipc';
import { Pages, type Slice } from '../lib/state/pages.svelte';

export class EntryRows extends Pages<DataEntry> {
  readonly #stack: string | null;
  readonly #revision: string;
  readonly #path: string;

  constructor(stack: string | null, revision: string, path: string) {
    super();
    this.#stack = stack;
    this.#revision = revision;
    this.#path = path;
  }

  protected override async slice(offset: number, limit: number): Promise<Slice<DataEntry>> {
    const found = await ask(commands.listDataEntries(this.#stack, this.#revision, this.#path, offset, limit));
    return { total: found.total, rows: found.entries };
  }
}

export class ChangeRows extends Pages<DataChange> {
  counts = $state.raw({ added: 0, changed: 0, removed: 0 });
  readonly #stack: string | null;
  readonly #from: string | null;
  readonly #to: string;

  constructor(stack: string | null, from: string | null, to: string) {
    super();
    this.#stack = stack;
    this.#from = from;
    this.#to = to;
  }

  protected override async slice(offset: number, limit: number): Promise<Slice<DataChange>> {
    const { changes, ...counts } = await ask(
      commands.diffDataCommits(this.#stack, this.#from, this.#to, offset, limit),
    );
    this.counts = counts;
    return { total: counts.added + counts.changed + counts.removed, rows: changes };
  }
}
