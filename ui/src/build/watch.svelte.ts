/** Keeps a `BuildRun` up to date with the engine while a screen shows it. */

import { ask, type BuildId, Channel, commands, Failure, type BuildEvent } from '../lib/ipc';
import { BuildRun } from '../lib/state/build-run.svelte';

const TICK = 200;

export class BuildWatch {
  readonly run = new BuildRun();
  failure = $state.raw<Failure | null>(null);
  readonly id: BuildId;
  #stopped = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(id: BuildId) {
    this.id = id;
  }

  /** Starts watching; returns how to stop. Stopping ends the watch, never the build. */
  start(): () => void {
    void this.#watch();
    let before = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.run.tick(now - before);
      before = now;
    }, TICK);
    return () => {
      this.#stopped = true;
      clearInterval(this.#timer);
    };
  }

  /** Asks for the record again: a pin or a deletion elsewhere changes builds that ended. */
  async refresh(): Promise<void> {
    if (!this.run.finished) return;
    try {
      const build = await ask(commands.getBuild(this.id));
      if (!this.#stopped) this.run.apply({ type: 'finished', build });
    } catch (thrown) {
      if (!this.#stopped) this.failure = Failure.from(thrown);
    }
  }

  retry(): void {
    this.failure = null;
    void this.#watch();
  }

  async #watch(): Promise<void> {
    const channel = new Channel<BuildEvent>();
    channel.onmessage = (event) => {
      if (!this.#stopped) this.run.apply(event);
    };
    try {
      await ask(commands.watchBuild(this.id, channel));
    } catch (thrown) {
      if (!this.#stopped) this.failure = Failure.from(thrown);
    }
  }
}
