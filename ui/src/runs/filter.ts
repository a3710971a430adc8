/** Which runs are listed, and what the engine is asked for that. */
import type { BuildStatus, ProjectId, RunFilter } from '../lib/ipc';

export type RunQuery = {
  project: ProjectId | null;
  /** As it is typed: a name, or its beginning. */
  pipeline: string;
  status: BuildStatus | null;
  stack: string | null;
};

export const allRuns: RunQuery = { project: null, pipeline: '', status: null, stack: null };

/** What is typed is the beginning of a name, unless it stands in quotes. */
export function toRunFilter(query: RunQuery, limit: number): RunFilter {
  const typed = query.pipeline.trim();
  const whole = /^"(.*)"$/.exec(typed)?.[1];
  const pipeline = whole ?? (typed && !typed.startsWith('startswith:') ? `startswith:${typed}` : typed);
  return {
    project: query.project,
    pipeline: pipeline === '' || pipeline === 'startswith:' ? null : pipeline,
    status: query.status ? [query.status] : [],
    stack: query.stack,
    limit,
  };
}

/** Whether anything is left out. */
export function isFilteredRuns(query: RunQuery): boolean {
  return query.project !== null || query.pipeline.trim() !== '' || query.status !== null || query.stack !== null;
}
