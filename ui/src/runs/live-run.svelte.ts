/** One run as it happens. Whatever order a window is opened, reloaded and closed in, the same events give the same state. */
import { ask, type BuildId, commands, type LogLine, type PipelineRun, type RunEvent } from '../lib/ipc';
import { Watch } from '../lib/state/watch.svelte';
import { finder } from '../log/find';
import type { LogSource } from '../log/source';
import { isActive } from './words';

export class LiveRun {
  /** The record. */
  run = $state.raw<PipelineRun | null>(null);
  /** Lines in the whole log. */
  logLines = $state(0);
  /** Whether the watch reported the end. */
  finished = $state(false);
  #first = $state<BuildId | null>(null);

  readonly active = $derived(this.run !== null && isActive(this.run));
  /** The build that comes first, until a step has begun. */
  readonly building = $derived(
    this.active && !this.run?.steps.some((step) => step.started_at !== null) ? this.#first : null,
  );

  readonly #listeners = new Set<(lines: readonly LogLine[]) => void>();

  apply(event: RunEvent): void {
    switch (event.type) {
      case 'snapshot':
        this.#take(event.run);
        this.finished = false;
        break;
      case 'building':
        this.#first = event.build;
        break;
      case 'changed':
        this.#take(event.run);
        break;
      case 'log': {
        const last = event.lines.at(-1);
        if (!last) break;
        this.logLines = Math.max(this.logLines, last.number + 1);
        for (const listener of this.#listeners) listener(event.lines);
        break;
      }
      case 'finished':
        this.#take(event.run);
        this.finished = true;
        break;
    }
  }

  /** Hears lines as they come until the returned function is called. */
  onLog(listener: (lines: readonly LogLine[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(run: PipelineRun): void {
    this.run = run;
    this.logLines = Math.max(this.logLines, run.log_lines);
  }
}

/** Keeps a `LiveRun` up to date with the engine while a screen shows it. */
export class RunWatch extends Watch<RunEvent, LiveRun> {
  constructor(id: string) {
    super(new LiveRun(), {
      watch: (channel) => ask(commands.watchPipelineRun(id, channel)),
      read: async () => ({ type: 'finished', run: await ask(commands.getPipelineRun(id)) }),
    });
  }
}

/** The log of a run, as the log viewer reads it. */
export function runLog(id: string, live: LiveRun): LogSource {
  const finders: Record<string, (text: string) => Promise<number[]>> = {};
  const read = (step: number | null, from: number, count: number) => ask(commands.readRunLog(id, step, from, count));
  return {
    of: 'run',
    get lines() {
      return live.logLines;
    },
    get steps() {
      return live.run?.steps ?? [];
    },
    get active() {
      return live.active;
    },
    get queued() {
      return live.run?.status === 'queued' || live.building !== null;
    },
    get failed() {
      return live.run?.status === 'failed' || live.run?.status === 'timed_out';
    },
    read,
    find: (step, text) => (finders[String(step)] ??= finder((from, count) => read(step, from, count)))(text),
    onLog: (listener) => live.onLog(listener),
  };
}
