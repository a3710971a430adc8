/** One job as it happens. Whatever order a window is opened, reloaded and closed in, the same events give the same state. */
import { ask, commands, type Job, type JobEvent, type LogLine } from '../lib/ipc';
import { Watch } from '../lib/state/watch.svelte';
import { finder } from '../log/find';
import type { LogSource } from '../log/source';
import { perSecond, type Sample, sampled } from './rate';
import { isActive, leftOf } from './words';

export class LiveJob {
  /** The record. */
  job = $state.raw<Job | null>(null);
  /** Lines in the whole log. */
  logLines = $state(0);
  /** Whether the watch reported the end. */
  finished = $state(false);
  #samples = $state.raw<readonly Sample[]>([]);

  readonly active = $derived(this.job !== null && isActive(this.job));
  /** Datums per second now; null while nobody can tell, and after the end. */
  readonly rate = $derived(this.active ? perSecond(this.#samples) : null);
  /** Datums to come. */
  readonly left = $derived(this.job ? leftOf(this.job) : 0);

  readonly #listeners = new Set<(lines: readonly LogLine[]) => void>();

  apply(event: JobEvent, now: number = Date.now()): void {
    switch (event.type) {
      case 'snapshot':
        this.#samples = [];
        this.#take(event.job, now);
        this.finished = false;
        break;
      case 'changed':
        this.#take(event.job, now);
        break;
      case 'log': {
        const last = event.lines.at(-1);
        if (!last) break;
        this.logLines = Math.max(this.logLines, last.number + 1);
        for (const listener of this.#listeners) listener(event.lines);
        break;
      }
      case 'finished':
        this.#take(event.job, now);
        this.finished = true;
        break;
    }
  }

  /** Hears lines as they come until the returned function is called. */
  onLog(listener: (lines: readonly LogLine[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(job: Job, now: number): void {
    this.job = job;
    this.logLines = Math.max(this.logLines, job.log_lines);
    // Reused ones cost nothing and say nothing of the pace.
    this.#samples = sampled(this.#samples, now, job.processed + job.failed + job.rescued);
  }
}

/** Keeps a `LiveJob` up to date with the engine while a screen shows it. */
export class JobWatch extends Watch<JobEvent, LiveJob> {
  constructor(id: string) {
    super(new LiveJob(), {
      watch: (channel) => ask(commands.watchJob(id, channel)),
      read: async () => ({ type: 'finished', job: await ask(commands.getJob(id)) }),
    });
  }
}

/** The log of a job, as the log viewer reads it; a step is a datum's place plus 1. */
export function jobLog(id: string, live: LiveJob, shown: () => { place: number; title: string } | null): LogSource {
  const finders: Record<string, (text: string) => Promise<number[]>> = {};
  const read = (step: number | null, from: number, count: number) => ask(commands.readJobLog(id, step, from, count));
  return {
    of: 'job',
    part: 'datum',
    get lines() {
      return live.logLines;
    },
    // There may be a million datums: only the one that is looked at can be chosen.
    get steps() {
      const datum = shown();
      return datum ? [{ number: datum.place + 1, name: datum.title }] : [];
    },
    get active() {
      return live.active;
    },
    get queued() {
      return live.job?.status === 'queued';
    },
    get failed() {
      return live.job?.status === 'failed' || live.job?.status === 'timed_out';
    },
    read,
    find: (step, text) => (finders[String(step)] ??= finder((from, count) => read(step, from, count)))(text),
    onLog: (listener) => live.onLog(listener),
  };
}
