/**
 * Deleting builds: first what it would do, then a few seconds to think again, then the deed. Until then nothing has been
 * written, so closing the window takes nothing away.
 */

import { SvelteSet } from 'svelte/reactivity';
import { ask, type BuildId, commands, type DeletePlan, Failure } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { bytes, plural } from '../lib/ui/format';

export const UNDO_MS = 6000;

interface Engine {
  plan: (builds: BuildId[]) => Promise<DeletePlan>;
  delete: (builds: BuildId[]) => Promise<DeletePlan>;
}

export class Deletion {
  /** Builds asked about; the dialog is open while there are any. */
  asked = $state.raw<BuildId[]>([]);
  plan = $state.raw<DeletePlan | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** Builds that are about to go and are no longer shown. */
  readonly leaving = new SvelteSet<BuildId>();
  readonly open = $derived(this.asked.length > 0);

  readonly #engine: Engine;
  #after: (() => void) | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Shows what deleting these builds would do; `after` runs once it is confirmed. */
  async ask(builds: BuildId[], after?: () => void): Promise<void> {
    this.asked = builds;
    this.plan = null;
    this.failure = null;
    this.#after = after;
    try {
      const plan = await this.#engine.plan(builds);
      if (this.asked === builds) this.plan = plan;
    } catch (thrown) {
      if (this.asked === builds) this.failure = Failure.from(thrown);
    }
  }

  close(): void {
    this.asked = [];
  }

  /** Takes the builds out of sight, and deletes them unless undone in time. */
  confirm(): void {
    const { plan } = this;
    this.close();
    if (!plan || plan.builds.length === 0) return;
    for (const build of plan.builds) this.leaving.add(build);
    const timer = setTimeout(() => void this.#run(plan), UNDO_MS);
    const undo = () => {
      clearTimeout(timer);
      for (const build of plan.builds) this.leaving.delete(build);
    };
    const freed = plan.bytes > 0 ? `, ${bytes(plan.bytes)} to be freed` : '';
    toasts.show(`${plural(plan.builds.length, 'build')} deleted${freed}`, {
      action: { label: 'Undo', run: undo },
      ms: UNDO_MS,
    });
    this.#after?.();
  }

  async #run(plan: DeletePlan): Promise<void> {
    try {
      const done = await this.#engine.delete(plan.builds);
      for (const kept of done.kept)
        toasts.show(`Build ${kept.build.slice(0, 8)} was kept: ${kept.reason}`, { tone: 'warn' });
    } catch (thrown) {
      app.report(thrown);
    }
    // The list is asked for again before they may show up: what is gone must not flash.
    await app.refresh();
    setTimeout(() => plan.builds.forEach((build) => this.leaving.delete(build)), 1500);
  }
}

export const deletion = new Deletion({
  plan: (builds) => ask(commands.deletePlan(builds)),
  delete: (builds) => ask(commands.deleteBuilds(builds)),
});
