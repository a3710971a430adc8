import type { Phase } from '../lib/ipc';

/** What the phases are called, and the colour each has in the timeline and in the sum. */
export const phaseWords: Record<Phase, string> = {
  resolve: 'Resolve',
  context: 'Context',
  cache_import: 'Cache import',
  steps: 'Steps',
  export: 'Export',
  push: 'Push',
  other: 'Other',
};

export const phaseColour: Record<Phase, string> = {
  resolve: 'var(--lane-2)',
  context: 'var(--lane-1)',
  cache_import: 'var(--lane-7)',
  steps: 'var(--ink-2)',
  export: 'var(--lane-4)',
  push: 'var(--lane-3)',
  other: 'var(--line-strong)',
};
