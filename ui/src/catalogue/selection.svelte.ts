/** Which builds of the table are chosen: one, some by Ctrl, a range by Shift, as in any list. */

import { SvelteSet } from 'svelte/reactivity';
import type { BuildId } from '../lib/ipc';

export class Selection {
  readonly chosen = new SvelteSet<BuildId>();
  /** Row that keys move from; -1 before the first. */
  cursor = $state(-1);
  #anchor = -1;

  /** Makes a row the only starting point, without choosing it. */
  move(index: number): void {
    this.cursor = index;
    this.#anchor = index;
  }

  toggle(index: number, id: BuildId): void {
    this.move(index);
    if (!this.chosen.delete(id)) this.chosen.add(id);
  }

  /** Extends from where the range began; returns both ends, rising. */
  extend(index: number): { from: number; to: number } {
    if (this.#anchor < 0) this.#anchor = Math.max(0, this.cursor);
    this.cursor = index;
    return { from: Math.min(this.#anchor, index), to: Math.max(this.#anchor, index) };
  }

  /** Chooses exactly these. */
  set(ids: Iterable<BuildId>): void {
    this.chosen.clear();
    for (const id of ids) this.chosen.add(id);
  }

  clear(): void {
    this.chosen.clear();
    this.#anchor = this.cursor;
  }
}
