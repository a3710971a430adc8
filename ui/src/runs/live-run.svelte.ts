/** One run as it happens. Whatever order a window is opened, reloaded and closed in, the same events give the same state. */
import {
  ask,
  type BuildId,
  Channel,
  commands,
  Failure,
  type LogLine,
  type PipelineRun,
  type RunEvent,
} from '../lib/ipc';
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
export class RunWatch {
  readonly live = new LiveRun();
  failure = $state.raw<Failure | null>(null);
  readonly id: string;
  #stopped = false;

  constructor(id: string) {
    this.id = id;
  }

  /** Starts watching; returns how to stop. Stopping ends the watch, never the run. */
  start(): () => void {
    void this.#watch();
    return () => {
      this.#stopped = true;
    };
  }

  /** Asks for the record again, of a run that ended: another one may have deleted it. */
  async refresh(): Promise<void> {
    if (!this.live.finished) return;
    try {
      const run = await ask(commands.getPipelineRun(this.id));
      if (!this.#stopped) this.live.apply({ type: 'finished', run });
    } catch (thrown) {
      if (!this.#stopped) this.failure = Failure.from(thrown);
    }
  }

  retry(): void {
    this.failure = null;
    void this.#watch();
  }

  async #watch(): Promise<void> {
    const channel = new Channel<RunEvent>();
    channel.onmessage = (event) => {
      if (!this.#stopped) this.live.apply(event);
    };
    try {
      await ask(commands.watchPipelineRun(this.id, channel));
    } catch (thrown) {
      if (!this.#stopped) this.failure = Failure.from(thrown);
    }
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
