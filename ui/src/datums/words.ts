/** What datum pipelines, their jobs and datums say, in words. */
import type {
  BuildStatus,
  CommitStateKind,
  Datum,
  DatumCounts,
  DatumFile,
  DatumPipeline,
  DatumState,
  ImageAction,
  Job,
  UpdateChoice,
} from '../lib/ipc';
import { count, duration, plural } from '../lib/ui/format';

export type Mark = BuildStatus | CommitStateKind | 'up' | 'warning';

/** Whether a job goes on. */
export function isActive(job: Pick<Job, 'status'>): boolean {
  return job.status === 'queued' || job.status === 'running';
}

const broken: readonly BuildStatus[] = ['failed', 'timed_out', 'interrupted'];

/** Whether a job ended badly. */
export function isBroken(job: Pick<Job, 'status'>): boolean {
  return broken.includes(job.status);
}

/** How a pipeline stands: its mark and the word for it. */
export function pipelineState(pipeline: Pick<DatumPipeline, 'stopped' | 'job'>): { mark: Mark; word: string } {
  const { job } = pipeline;
  if (job && isActive(job)) return { mark: job.status, word: job.status === 'queued' ? 'waits' : 'running' };
  if (pipeline.stopped) return { mark: 'cancelled', word: 'stopped' };
  if (job && isBroken(job)) return { mark: job.status, word: 'last job failed' };
  return job ? { mark: 'succeeded', word: 'up to date' } : { mark: 'none', word: 'no job yet' };
}

/** Pipelines with the ones that build their code below them. */
export function arranged(pipelines: readonly DatumPipeline[]): { pipeline: DatumPipeline; below: boolean }[] {
  const names = new Set(pipelines.map((one) => one.name));
  const isBelow = (one: DatumPipeline) => one.builds_for !== null && names.has(one.builds_for);
  return pipelines
    .filter((one) => !isBelow(one))
    .flatMap((one) => [
      { pipeline: one, below: false },
      ...pipelines
        .filter((b) => isBelow(b) && b.builds_for === one.name)
        .map((pipeline) => ({ pipeline, below: true })),
    ]);
}

/** Datums of a job whose turn has not come, or that a worker has. */
export function leftOf(job: Pick<Job, 'total' | 'processed' | 'reused' | 'failed' | 'rescued'>): number {
  return Math.max(0, job.total - job.processed - job.reused - job.failed - job.rescued);
}

/** "12 processed, 228 reused", without what is none */
export function jobCounts(job: Pick<Job, 'total' | 'processed' | 'reused' | 'failed' | 'rescued'>): string {
  if (job.total === 0) return 'no datums';
  const parts = [
    job.processed && `${count(job.processed)} processed`,
    job.reused && `${count(job.reused)} reused`,
    job.failed && `${count(job.failed)} failed`,
    job.rescued && `${count(job.rescued)} rescued`,
  ].filter(Boolean);
  return parts.length ? parts.join(', ') : `none of ${plural(job.total, 'datum', 'datums')} yet`;
}

/** "12 new, 40 reused, 0 redone" */
export function costWords(datums: DatumCounts | null): string {
  if (!datums) return 'known when the pipelines before it ran';
  const removed = datums.removed ? `, ${count(datums.removed)} removed` : '';
  return `${count(datums.new)} new, ${count(datums.reused)} reused, ${count(datums.redo)} redone${removed}`;
}

export const choices: readonly UpdateChoice[] = ['code_as_input', 'new_data_only', 'reprocess_all'];

const choiceTexts: Record<UpdateChoice, { title: string; text: string }> = {
  code_as_input: {
    title: 'Code as input',
    text: 'When the code differs, everything is processed with the new code.',
  },
  new_data_only: { title: 'New data only', text: 'What was processed stays; new code and images get new data.' },
  reprocess_all: { title: 'Reprocess all', text: 'Everything is processed again, whatever differs.' },
};

/** What a choice is called, and what it means. */
export function choiceText(choice: UpdateChoice): { title: string; text: string } {
  return choiceTexts[choice];
}

const datumMarks: Record<DatumState, Mark> = {
  waiting: 'queued',
  running: 'running',
  processed: 'succeeded',
  reused: 'built',
  failed: 'failed',
  rescued: 'warning',
};

export function datumMark(state: DatumState): Mark {
  return datumMarks[state];
}

/** What tells a datum from its neighbours: whole repositories, such as the code, are the same for all. */
function telling(datum: Pick<Datum, 'files'>): DatumFile[] {
  const own = datum.files.filter((file) => file.path !== '/');
  return own.length ? own : datum.files.slice(0, 1);
}

/** The paths that name a datum. */
export function datumTitle(datum: Pick<Datum, 'files' | 'hash'>): string {
  const files = telling(datum);
  return files.length ? files.map((file) => file.path).join('  ') : datum.hash.slice(0, 12);
}

/** Bytes of what is the datum's own. */
export function datumBytes(datum: Pick<Datum, 'files'>): number {
  return telling(datum).reduce((sum, file) => sum + file.bytes, 0);
}

/** "exit code 2 after 3 attempts" */
export function datumOutcome(datum: Pick<Datum, 'exit_code' | 'attempts' | 'state'>): string {
  const parts = [
    datum.exit_code !== null && datum.state !== 'processed' && `exit code ${datum.exit_code}`,
    datum.attempts > 1 && plural(datum.attempts, 'attempt'),
  ];
  return parts.filter(Boolean).join(', ');
}

const imageWords: Record<ImageAction, string> = {
  use: 'used',
  pull: 'pulled',
  reuse: 'reused',
  build: 'built',
  push: 'pushed',
};

export function imageWord(action: ImageAction): string {
  return imageWords[action];
}

/** Milliseconds since a job was asked for, or what it took. */
export function elapsed(job: Pick<Job, 'status' | 'created_at' | 'duration_ms'>, now: number): number {
  return isActive(job) ? Math.max(job.duration_ms, now - job.created_at) : job.duration_ms;
}

/** "12 datums/s", "34 datums/min", nothing without a rate */
export function rateWords(perSecond: number | null): string {
  if (!perSecond) return '';
  if (perSecond >= 9.95) return `${count(Math.round(perSecond))} datums/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)} datums/s`;
  const perMinute = perSecond * 60;
  return `${perMinute >= 9.95 ? count(Math.round(perMinute)) : perMinute.toFixed(1)} datums/min`;
}

/** "about 12 s left" */
export function leftWords(left: number, perSecond: number | null): string {
  if (!perSecond || left === 0) return '';
  return `about ${duration((left / perSecond) * 1000)} left`;
}

/** A command as it could be typed: what a shell would take apart stands in quotes. */
export function commandLine(parts: readonly string[]): string {
  return parts.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`)).join(' ');
}

/** Repository and branch of `repo@branch`. */
export function placeOf(text: string): { repo: string; branch: string } {
  const at = text.lastIndexOf('@');
  return at < 0 ? { repo: text, branch: 'master' } : { repo: text.slice(0, at), branch: text.slice(at + 1) };
}

/** JSON as it is read, or the text as it stands. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
