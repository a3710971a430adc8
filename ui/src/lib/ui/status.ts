import type { BuildStatus, CommitStateKind } from '../ipc';

const words: Record<BuildStatus | CommitStateKind | 'warning', string> = {
  queued: 'queued',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  superseded: 'superseded',
  timed_out: 'timed out',
  interrupted: 'interrupted',
  built: 'built',
  base: 'usable base',
  none: 'not built',
  blocked: 'blocked by a change',
  unusable: 'no usable recipe',
  warning: 'warning',
};

/** The word for a status, as shown. */
export function statusWord(kind: BuildStatus | CommitStateKind | 'warning'): string {
  return words[kind];
}
