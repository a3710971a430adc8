/** What runs of pipelines say, in words. */
import type { BuildStatus, CommitStateKind, PipelineRun, RunStep, StepStatus } from '../lib/ipc';
import { duration, short } from '../lib/ui/format';

type Mark = BuildStatus | CommitStateKind;

const marks: Record<StepStatus, Mark> = {
  pending: 'none',
  running: 'running',
  done: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** The mark of a step. */
export function stepMark(status: StepStatus): Mark {
  return marks[status];
}

/** "running", "done", "exit code 2", "not run" */
export function stepWord(step: Pick<RunStep, 'status' | 'exit_code' | 'started_at'>, active: boolean): string {
  switch (step.status) {
    case 'pending':
      return active ? 'waits' : 'not run';
    case 'running':
      return 'running';
    case 'done':
      return step.exit_code === null ? 'done' : `exit code ${step.exit_code}`;
    case 'failed':
      return step.exit_code === null ? 'failed' : `exit code ${step.exit_code}`;
    case 'cancelled':
      return step.started_at === null ? 'not run' : 'stopped';
  }
}

/** Whether it goes on. */
export function isActive(run: Pick<PipelineRun, 'status'>): boolean {
  return run.status === 'queued' || run.status === 'running';
}

/** How many of its steps are done. */
export function doneSteps(run: Pick<PipelineRun, 'steps'>): number {
  return run.steps.filter((step) => step.status === 'done').length;
}

/** Milliseconds since it was asked for, or what it took. */
export function elapsed(run: Pick<PipelineRun, 'status' | 'created_at' | 'duration_ms'>, now: number): number {
  return isActive(run) ? Math.max(run.duration_ms, now - run.created_at) : run.duration_ms;
}

/** Milliseconds a step took, or takes so far. */
export function stepElapsed(step: Pick<RunStep, 'status' | 'started_at' | 'duration_ms'>, now: number): number | null {
  if (step.status !== 'running' || step.started_at === null) return step.duration_ms;
  return Math.max(step.duration_ms ?? 0, now - step.started_at);
}

/** Which code ran: the commit to go to, and what to say of it. */
export function codeOf(run: Pick<PipelineRun, 'commit' | 'base_commit'>): { commit: string; words: string } {
  return run.commit === null
    ? { commit: run.base_commit, words: `uncommitted changes on ${short(run.base_commit)}` }
    : { commit: run.commit, words: short(run.commit) };
}

/** "0.8 s to the first line" */
export function firstLineWord(run: Pick<PipelineRun, 'first_output_ms' | 'status'>): string {
  if (run.first_output_ms !== null) return `${duration(run.first_output_ms)} to the first line`;
  return isActive(run) ? 'no line yet' : 'wrote nothing';
}
