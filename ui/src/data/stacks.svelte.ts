/** Whose artifact store the screens for data look into: a choice only where there is more than one stack. */
import { ask, commands, type Stack } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';

export class DataStacks {
  list = $state.raw<Stack[]>([]);
  chosen = $state<string | null>(null);

  /** The stack to ask for; null means the only one. */
  get current(): string | null {
    if (this.list.length < 2) return null;
    return (this.list.find((stack) => stack.name === this.chosen) ?? this.list[0])?.name ?? null;
  }

  async load(): Promise<void> {
    try {
      this.list = await ask(commands.listStacks());
    } catch (thrown) {
      app.report(thrown);
    }
  }
}

export const dataStacks = new DataStacks();
