import { SvelteMap } from 'svelte/reactivity';
import { ask, type Builder, type BuilderUsage, commands, Failure, type NewBuilder } from '../lib/ipc';
import { Resource } from '../lib/state/resource.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { bytes } from '../lib/ui/format';
import { health } from './words';

/** What is being done to a builder. */
export type Doing = 'selecting' | 'starting' | 'pruning' | 'removing';

/** The builders, what each keeps on disk, and what is being done to them. buildx owns the list; this only asks. */
export class Builders {
  readonly list = new Resource<Builder[]>();
  /** By name; absent while it is not known. */
  readonly usage = new SvelteMap<string, BuilderUsage | Failure>();
  readonly doing = new SvelteMap<string, Doing>();
  /** What went wrong last with a builder, to be shown where it was asked for. */
  readonly failures = new SvelteMap<string, Failure>();

  /** Builder whose prune is being thought about; the dialog is open while there is one. */
  pruning = $state.raw<Builder | null>(null);
  /** Builder that is about to be removed. */
  removing = $state.raw<Builder | null>(null);
  /** A new one is being described. */
  creating = $state(false);

  async load(): Promise<void> {
    const all = await this.list.load(() => ask(commands.listBuilders()));
    if (!all) return;
    for (const name of [...this.usage.keys()])
      if (!all.some((builder) => builder.name === name)) this.usage.delete(name);
    // One that does not run has nothing to say, and asking would not start it. Nothing waits for this.
    for (const builder of all) if (health(builder) === 'running') void this.measure(builder.name);
  }

  /** Asks what a builder keeps on disk. */
  async measure(name: string): Promise<void> {
    try {
      this.usage.set(name, await ask(commands.builderUsage(name)));
    } catch (thrown) {
      this.usage.set(name, Failure.from(thrown));
    }
  }

  select(name: string): Promise<boolean> {
    return this.#do(name, 'selecting', async () => {
      await ask(commands.selectBuilder(name));
      toasts.show(`Builds go to ${name} now.`, { tone: 'ok' });
    });
  }

  start(name: string): Promise<boolean> {
    return this.#do(name, 'starting', async () => {
      await ask(commands.bootstrapBuilder(name));
      toasts.show(`${name} runs.`, { tone: 'ok' });
    });
  }

  remove(name: string): Promise<boolean> {
    this.removing = null;
    return this.#do(name, 'removing', async () => {
      await ask(commands.removeBuilder(name));
      toasts.show(`${name} is removed.`);
    });
  }

  prune(name: string, all: boolean): Promise<boolean> {
    this.pruning = null;
    return this.#do(name, 'pruning', async () => {
      const { freed_bytes } = await ask(commands.pruneBuilder(name, all));
      toasts.show(freed_bytes > 0 ? `${bytes(freed_bytes)} freed from ${name}.` : `${name} had nothing to free.`, {
        tone: 'ok',
      });
    });
  }

  /** Makes a builder; throws what was wrong, for the form to show. */
  async create(wanted: NewBuilder, select: boolean): Promise<void> {
    const made = await ask(commands.createBuilder(wanted));
    this.creating = false;
    toasts.show(`${made.name} is made. It starts with its first build.`, {
      tone: 'ok',
      action: { label: 'Start now', run: () => void this.start(made.name) },
    });
    if (select) await this.select(made.name);
    else await this.load();
  }

  /** Does one thing to a builder at a time, and asks how things are then. Returns whether it went well. */
  async #do(name: string, what: Doing, work: () => Promise<void>): Promise<boolean> {
    if (this.doing.has(name)) return false;
    this.doing.set(name, what);
    this.failures.delete(name);
    let well = true;
    try {
      await work();
    } catch (thrown) {
      well = false;
      this.failures.set(name, Failure.from(thrown));
    }
    await this.load();
    this.doing.delete(name);
    return well;
  }
}
