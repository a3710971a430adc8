import { ask, type BuildEvent, type BuildId, commands } from '../lib/ipc';
import { BuildRun } from '../lib/state/build-run.svelte';
import { Watch } from '../lib/state/watch.svelte';

const TICK = 200;

/** Keeps a `BuildRun` up to date with the engine while a screen shows it. */
export class BuildWatch extends Watch<BuildEvent, BuildRun> {
  constructor(id: BuildId) {
    super(new BuildRun(), {
      watch: (channel) => ask(commands.watchBuild(id, channel)),
      read: async () => ({ type: 'finished', build: await ask(commands.getBuild(id)) }),
    });
  }

  /** Also lets the clock of the build run. */
  override start(): () => void {
    const stop = super.start();
    let before = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      this.live.tick(now - before);
      before = now;
    }, TICK);
    return () => {
      stop();
      clearInterval(timer);
    };
  }
}
