import { ask, type BuildId, commands } from '../lib/ipc';
import type { BuildRun } from '../lib/state/build-run.svelte';
import type { LogSource } from '../log/source';

/** The log of a build, as the log viewer reads it. */
export function buildLog(id: BuildId, run: BuildRun): LogSource {
  return {
    of: 'build',
    get lines() {
      return run.logLines;
    },
    get steps() {
      return run.steps;
    },
    get active() {
      return run.active;
    },
    get queued() {
      return run.build?.status === 'queued';
    },
    get failed() {
      return run.build?.status === 'failed' || run.build?.status === 'timed_out';
    },
    read: (step, from, count) => ask(commands.readLog(id, step, from, count)),
    find: (step, text) => ask(commands.searchLog(id, step, text)),
    onLog: (listener) => run.onLog(listener),
    open: () => ask(commands.openLog(id)),
  };
}
