import { Failure } from '../ipc';

/**
 * Something fetched. The newest request wins; while it is under way the old data stays, so nothing flickers.
 * A failed refetch keeps the data too and sets `failure`.
 */
export class Resource<T> {
  data = $state.raw<T>();
  failure = $state.raw<Failure>();
  pending = $state(false);
  #latest = 0;

  async load(fetch: () => Promise<T>): Promise<T | undefined> {
    const mine = ++this.#latest;
    this.pending = true;
    try {
      const data = await fetch();
      if (mine !== this.#latest) return undefined;
      this.data = data;
      this.failure = undefined;
      return data;
    } catch (thrown) {
      if (mine === this.#latest) this.failure = Failure.from(thrown);
      return undefined;
    } finally {
      if (mine === this.#latest) this.pending = false;
    }
  }

  /** Forgets data, failure and whatever is under way. */
  clear() {
    this.#latest += 1;
    this.data = undefined;
    this.failure = undefined;
    this.pending = false;
  }
}
