import { SvelteMap } from 'svelte/reactivity';
import {
  ask,
  commands,
  type CommitHits,
  type CommitState,
  Failure,
  type GraphPage,
  type GraphRow,
  type ProjectId,
} from '../lib/ipc';
import { Resource } from '../lib/state/resource.svelte';

export const PAGE = 200;
/** Pages kept; farther ones are fetched again when they come into view. */
const KEPT = 60;
const STATES_AT_ONCE = 120;

export type Filter = { text: string; author: string; path: string; onlyBuilt: boolean };
export const noFilter: Filter = { text: '', author: '', path: '', onlyBuilt: false };

/** The commit graph of one project as far as it was looked at: rows by page, states by commit. */
export class Graph {
  readonly project: ProjectId;
  branch = $state<string | null>(null);
  filter = $state.raw<Filter>(noFilter);
  hits = new Resource<CommitHits>();

  known = $state(0);
  complete = $state(false);
  /** The most lanes any page needed; the column never gets narrower while one looks. */
  lanes = $state(1);
  unborn = $state(false);
  shallow = $state(false);
  loaded = $state(false);
  failure = $state.raw<Failure>();
  /** Why the states of commits could not be found out. */
  statesFailure = $state.raw<Failure>();

  states = new SvelteMap<string, CommitState>();
  #pages = new SvelteMap<number, GraphRow[]>();
  // Reactive: what is selected by its commit moves when commits are made above it.
  #index = new SvelteMap<string, number>();
  #fetching = new Set<number>();
  #asked = new Set<string>();
  /** Rises with everything that makes older answers worthless. */
  #era = 0;
  #visible = { first: 0, last: 0 };
  #searchSoon: ReturnType<typeof setTimeout> | undefined;
  #statesSoon: ReturnType<typeof setTimeout> | undefined;
  #moreSoon: ReturnType<typeof setTimeout> | undefined;

  #wanted = $derived(
    this.filter.text.trim() !== '' ||
      this.filter.author.trim() !== '' ||
      this.filter.path.trim() !== '' ||
      this.filter.onlyBuilt,
  );
  /** Whether hits are listed instead of the graph, which stays until there are some. */
  filtered = $derived(this.#wanted && (this.hits.data !== undefined || this.hits.failure !== undefined));
  count = $derived(this.filtered ? (this.hits.data?.rows.length ?? 0) : this.known);

  constructor(project: ProjectId) {
    this.project = project;
  }

  /** The row at a place in the list, once it is there. */
  row(index: number): GraphRow | undefined {
    if (this.filtered) return this.hits.data?.rows[index];
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Place of a commit in the list, if it was seen. */
  indexOf(commit: string): number | undefined {
    if (this.filtered) {
      const at = this.hits.data?.rows.findIndex((row) => row.commit === commit) ?? -1;
      return at < 0 ? undefined : at;
    }
    return this.#index.get(commit);
  }

  /** Fetches what is needed to show rows `first .. last`. */
  show(first: number, last: number) {
    this.#visible = { first, last };
    if (!this.filtered) {
      for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, last - 1) / PAGE); page++)
        if (!this.#pages.has(page)) void this.#fetch(page);
    }
    this.#askStates();
  }

  /** The repository or the catalogue may have changed: looks again at what is visible, keeping what is shown meanwhile. */
  refresh() {
    this.#asked.clear();
    const first = Math.floor(this.#visible.first / PAGE);
    const last = Math.floor(Math.max(0, this.#visible.last - 1) / PAGE);
    void this.#fetch(0, true);
    for (let page = Math.max(1, first); page <= last; page++) void this.#fetch(page, true);
    if (this.#wanted) this.search();
    this.#askStates();
  }

  /** The row at a place in the list, fetched if need be. */
  async load(index: number): Promise<GraphRow | undefined> {
    if (!this.row(index) && !this.filtered) await this.#fetch(Math.floor(index / PAGE), true);
    return this.row(index);
  }

  setBranch(branch: string | null) {
    if (branch === this.branch) return;
    this.branch = branch;
    this.#forget();
    this.loaded = false;
    this.known = 0;
    this.lanes = 1;
    void this.#fetch(0);
    if (this.#wanted) this.search();
  }

  setFilter(filter: Filter) {
    this.filter = filter;
    clearTimeout(this.#searchSoon);
    // Waits for a pause in typing.
    if (this.#wanted) this.#searchSoon = setTimeout(() => this.search(), 140);
    else this.hits.clear();
  }

  search() {
    const { text, author, path, onlyBuilt } = this.filter;
    void this.hits
      .load(() =>
        ask(
          commands.searchCommits({
            project: this.project,
            query: { branch: this.branch },
            text: text.trim(),
            author: author.trim() || null,
            path: path.trim() || null,
            only_built: onlyBuilt,
            limit: 1000,
          }),
        ),
      )
      .then(() => this.#askStates());
  }

  /** Finds the place of a commit in the graph, asking the engine if it was not seen; -1 if it is not in it. */
  async locate(commit: string): Promise<number> {
    const seen = this.#index.get(commit);
    if (seen !== undefined) return seen;
    try {
      const hits = await ask(
        commands.searchCommits({
          project: this.project,
          query: { branch: this.branch },
          text: commit,
          author: null,
          path: null,
          only_built: false,
          limit: 1,
        }),
      );
      return hits.rows[0]?.commit.startsWith(commit) ? hits.rows[0].index : -1;
    } catch {
      return -1;
    }
  }

  /** The commit HEAD is on; nothing in an empty repository. */
  async head(): Promise<string | null> {
    const row = this.#pages.get(0)?.find((row) => row.head);
    if (row) return row.commit;
    try {
      return (await ask(commands.commitDetail(this.project, 'HEAD'))).commit;
    } catch {
      return null;
    }
  }

  /** Stops all waiting. */
  close() {
    this.#era += 1;
    clearTimeout(this.#searchSoon);
    clearTimeout(this.#statesSoon);
    clearTimeout(this.#moreSoon);
  }

  async #fetch(page: number, again = false) {
    if (this.#fetching.has(page) && !again) return;
    this.#fetching.add(page);
    const era = this.#era;
    try {
      const answer = await ask(commands.graphPage(this.project, { branch: this.branch }, page * PAGE, PAGE));
      if (era === this.#era) this.apply(page, answer);
    } catch (thrown) {
      if (era === this.#era) {
        this.failure = Failure.from(thrown);
        this.loaded = true;
      }
    } finally {
      if (era === this.#era) this.#fetching.delete(page);
    }
  }

  /** Takes in an answer. */
  apply(page: number, answer: GraphPage) {
    const moved = page === 0 && this.#pages.get(0)?.[0]?.commit !== answer.rows[0]?.commit;
    if (moved && this.#pages.size > 0) {
      // Another history: row numbers mean other commits now. What is in view is fetched anew.
      this.#forget();
      this.show(this.#visible.first, this.#visible.last);
    }
    this.#pages.set(page, answer.rows);
    for (const row of answer.rows) this.#index.set(row.commit, row.index);
    this.#trim(page);
    this.known = answer.known;
    this.complete = answer.complete;
    this.lanes = Math.max(this.lanes, answer.lanes);
    this.unborn = answer.unborn;
    this.shallow = answer.shallow;
    this.loaded = true;
    this.failure = undefined;
    this.#askStates();
    if (!answer.complete) {
      clearTimeout(this.#moreSoon);
      // The last page grows while the history is read.
      this.#moreSoon = setTimeout(() => void this.#fetch(Math.floor(Math.max(0, this.known - 1) / PAGE), true), 250);
    }
  }

  #forget() {
    this.#era += 1;
    this.#pages.clear();
    this.#index.clear();
    this.#fetching.clear();
  }

  #trim(near: number) {
    if (this.#pages.size <= KEPT) return;
    const farthest = [...this.#pages.keys()]
      .filter((p) => p !== 0)
      .sort((a, b) => Math.abs(b - near) - Math.abs(a - near))[0];
    if (farthest === undefined) return;
    for (const row of this.#pages.get(farthest) ?? []) this.#index.delete(row.commit);
    this.#pages.delete(farthest);
  }

  #askStates() {
    clearTimeout(this.#statesSoon);
    // While the list flies by nothing is asked.
    this.#statesSoon = setTimeout(() => void this.#loadStates(), 60);
  }

  async #loadStates() {
    const wanted: string[] = [];
    for (let i = this.#visible.first; i < this.#visible.last && wanted.length < STATES_AT_ONCE; i++) {
      const commit = this.row(i)?.commit;
      if (commit && !this.#asked.has(commit)) wanted.push(commit);
    }
    if (wanted.length === 0) return;
    for (const commit of wanted) this.#asked.add(commit);
    try {
      this.learn(await ask(commands.commitStates(this.project, wanted)));
      this.statesFailure = undefined;
    } catch (thrown) {
      this.statesFailure = Failure.from(thrown);
    }
  }

  /** Takes in states. */
  learn(states: CommitState[]) {
    for (const state of states) {
      const known = this.states.get(state.commit);
      if (!known || JSON.stringify(known) !== JSON.stringify(state)) this.states.set(state.commit, state);
    }
  }
}
