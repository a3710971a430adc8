import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { DeletePlan } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { Deletion, UNDO_MS } from './deletion.svelte';

const plan = (builds: string[]): DeletePlan => ({
  builds,
  images: [],
  bytes: 1_200_000_000,
  kept: [],
  dependants: [],
  engine_checked: true,
});

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(app, 'refresh').mockResolvedValue();
  toasts.list = [];
});
afterEach(() => vi.useRealTimers());

function started() {
  const deleted: string[][] = [];
  const deletion = new Deletion({
    plan: async (builds) => plan(builds),
    delete: async (builds) => {
      deleted.push(builds);
      return plan(builds);
    },
  });
  return { deletion, deleted };
}

describe('deleting builds', () => {
  it('shows the plan first and does nothing until it is confirmed', async () => {
    const { deletion, deleted } = started();
    await deletion.ask(['a', 'b']);
    expect(deletion.plan?.builds).toEqual(['a', 'b']);
    deletion.close();
    await vi.advanceTimersByTimeAsync(UNDO_MS * 2);
    expect(deleted).toEqual([]);
  });

  it('deletes what is not undone in time', async () => {
    const { deletion, deleted } = started();
    await deletion.ask(['a']);
    deletion.confirm();
    expect(deletion.leaving.has('a'), 'gone from sight at once').toBe(true);
    await vi.advanceTimersByTimeAsync(UNDO_MS - 1);
    expect(deleted).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(deleted).toEqual([['a']]);
  });

  it('brings everything back when undone', async () => {
    const { deletion, deleted } = started();
    await deletion.ask(['a', 'b']);
    deletion.confirm();
    toasts.list[0]?.action?.run();
    await vi.advanceTimersByTimeAsync(UNDO_MS * 2);
    expect(deleted).toEqual([]);
    expect(deletion.leaving.size).toBe(0);
  });

  it('forgets the plan of a dialog that was closed and opened for others', async () => {
    const answers: ((plan: DeletePlan) => void)[] = [];
    const deletion = new Deletion({
      plan: () => new Promise((resolve) => answers.push(resolve)),
      delete: async (builds) => plan(builds),
    });
    const first = deletion.ask(['a']);
    const second = deletion.ask(['b']);
    answers[1]?.(plan(['b']));
    answers[0]?.(plan(['a']));
    await Promise.all([first, second]);
    expect(deletion.plan?.builds).toEqual(['b']);
  });
});
