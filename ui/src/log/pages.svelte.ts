/**
 * A log as the viewer sees it: a total, and lines that are there or are being fetched. Pages are kept least-recently-used,
 * so that a log of a million lines costs the memory of a few thousand.
 */

import { SvelteMap } from 'svelte/reactivity';

import type { LogLine, LogPage } from '../lib/ipc';

/** Reads lines `from .. from + count`. */
export type ReadLog = (from: number, count: number) => Promise<LogPage>;

export const PAGE = 500;
const KEPT = 24;

export class LogPages {
  /** Lines in the log, as far as known. */
  total = $state(0);
  /** Whether the first answer is there. */
  ready = $state(false);
  /** Why the last read failed; cleared by the next that works. */
  problem = $state<unknown>(null);

  // Values are replaced, never changed in place: a row re-renders when its page does.
  readonly #pages = new SvelteMap<number, readonly (LogLine | undefined)[]>();
  readonly #order: number[] = [];
  readonly #pending = new Set<number>();
  readonly #read: ReadLog;
  #closed = false;

  constructor(read: ReadLog, total = 0) {
    this.#read = read;
    this.total = total;
  }

  /** Returns a line, or nothing while it is not there. */
  line(number: number): LogLine | undefined {
    return this.#pages.get(Math.floor(number / PAGE))?.[number % PAGE];
  }

  /** Fetches what is missing of lines `from .. to`. */
  ensure(from: number, to: number): void {
    const last = Math.max(0, Math.min(to, this.total) - 1);
    for (let page = Math.floor(Math.max(0, from) / PAGE); page <= Math.floor(last / PAGE); page++) {
      this.#touch(page);
      if (!this.#complete(page)) void this.#fetch(page);
    }
  }

  /** Takes lines numbered within this log, as they are written. */
  append(lines: readonly LogLine[]): void {
    const end = lines.at(-1);
    if (!end) return;
    const grouped = new Map<number, LogLine[]>();
    for (const line of lines) {
      const page = Math.floor(line.number / PAGE);
      const group = grouped.get(page);
      if (group) group.push(line);
      else grouped.set(page, [line]);
    }
    for (const [page, group] of grouped) {
      const known = this.#pages.get(page);
      // A page nobody looks at is fetched when somebody does; one that starts here is complete without asking.
      if (!known && group[0]?.number !== page * PAGE) continue;
      const merged = [...(known ?? [])];
      for (const line of group) merged[line.number % PAGE] = line;
      this.#keep(page, merged);
    }
    this.total = Math.max(this.total, end.number + 1);
    this.ready = true;
  }

  /** Asks for the end of the log again; for logs whose live lines come without numbers of their own. */
  async refresh(): Promise<void> {
    const from = Math.max(0, Math.floor(this.total / PAGE) * PAGE);
    await this.#fetch(from / PAGE, true);
  }

  /** Stops taking answers. */
  close(): void {
    this.#closed = true;
  }

  #complete(page: number): boolean {
    const known = this.#pages.get(page);
    if (!known) return false;
    const wanted = Math.min(PAGE, this.total - page * PAGE);
    if (known.length < wanted) return false;
    for (let i = 0; i < wanted; i++) if (known[i] === undefined) return false;
    return true;
  }

  async #fetch(page: number, again = false): Promise<void> {
    if (this.#closed || (this.#pending.has(page) && !again)) return;
    this.#pending.add(page);
    try {
      const answer = await this.#read(page * PAGE, PAGE);
      if (this.#closed) return;
      const merged = [...(this.#pages.get(page) ?? [])];
      for (const line of answer.lines) merged[line.number - page * PAGE] = line;
      this.#keep(page, merged);
      this.total = Math.max(this.total, answer.total);
      this.ready = true;
      this.problem = null;
    } catch (problem) {
      if (!this.#closed) this.problem = problem;
    } finally {
      this.#pending.delete(page);
    }
  }

  #keep(page: number, lines: readonly (LogLine | undefined)[]): void {
    this.#pages.set(page, lines);
    this.#touch(page);
    while (this.#order.length > KEPT) {
      const oldest = this.#order.shift();
      if (oldest !== undefined) this.#pages.delete(oldest);
    }
  }

  #touch(page: number): void {
    const at = this.#order.indexOf(page);
    if (at !== -1) this.#order.splice(at, 1);
    else if (!this.#pages.has(page)) return;
    this.#order.push(page);
  }
}
