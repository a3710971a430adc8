import { render } from '@testing-library/svelte';
import { expect, it } from 'vitest';
import type { CommitState } from '../lib/ipc';
import BuildCell from './BuildCell.svelte';

const state = (part: Partial<CommitState>): CommitState => ({
  commit: 'c',
  kind: 'none',
  build: null,
  base_commit: null,
  distance: null,
  speedup: null,
  duration_ms: null,
  reason: null,
  built_from: null,
  ...part,
});

it.each([
  [state({ kind: 'built', duration_ms: 46_200 }), 'built 46 s'],
  [state({ kind: 'base', distance: 1, speedup: 8.41 }), 'base, 1 back ×8.4'],
  [state({ kind: 'base', distance: 4 }), 'base, 4 back'],
  [state({ kind: 'none' }), 'not built'],
  [state({ kind: 'none', reason: '2 of 3 services are built' }), '2 of 3 services are built'],
  [state({ kind: 'blocked', reason: 'init changed' }), 'init changed'],
  [state({ kind: 'failed', reason: 'failed at make', duration_ms: 9000 }), 'failed at make'],
  [state({ kind: 'unusable', reason: 'no .gitpod.yml' }), 'no .gitpod.yml'],
  [state({ kind: 'running' }), 'running'],
])('says what Headstart can give a commit: %#', (it, words) => {
  const { container } = render(BuildCell, { state: it });
  expect(container.textContent?.replace(/\s+/g, ' ').trim()).toBe(words);
  expect(container.querySelector('svg')).not.toBeNull();
});
