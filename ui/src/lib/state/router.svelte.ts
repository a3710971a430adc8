import type { BuildId } from '../ipc';

/** The halves of the section for data. */
export type DataTab = 'pipelines' | 'repositories';

export type Screen =
  | { name: 'history' }
  | { name: 'builds' }
  | { name: 'build'; build: BuildId }
  | { name: 'compare'; left: BuildId; right: BuildId }
  | { name: 'runs' }
  | { name: 'run'; run: string }
  | { name: 'data'; tab: DataTab }
  | { name: 'datum-pipeline'; stack: string | null; pipeline: string }
  | { name: 'data-repo'; stack: string | null; repo: string; branch?: string; commit?: string; path?: string }
  | { name: 'job'; job: string }
  | { name: 'submit' }
  | { name: 'stacks' }
  | { name: 'insights' }
  | { name: 'settings' };

/** Which screen is shown, and the way back. */
export class Router {
  screen = $state.raw<Screen>({ name: 'history' });
  #past = $state.raw<Screen[]>([]);
  #future = $state.raw<Screen[]>([]);

  canBack = $derived(this.#past.length > 0);
  canForward = $derived(this.#future.length > 0);

  go(screen: Screen) {
    if (same(screen, this.screen)) return;
    this.#past = [...this.#past, this.screen].slice(-50);
    this.#future = [];
    this.screen = screen;
  }

  back() {
    const last = this.#past.at(-1);
    if (!last) return;
    this.#past = this.#past.slice(0, -1);
    this.#future = [this.screen, ...this.#future];
    this.screen = last;
  }

  forward() {
    const [next, ...rest] = this.#future;
    if (!next) return;
    this.#future = rest;
    this.#past = [...this.#past, this.screen];
    this.screen = next;
  }
}

function same(a: Screen, b: Screen): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
