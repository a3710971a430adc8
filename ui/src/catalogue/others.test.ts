import { beforeEach, expect, it, vi } from 'vitest';
import { syncReport } from '../../tests/mock/pipeline';
import { mockEngine, wireError } from '../../tests/mock/world';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { findBuildsOfOthers, syncWords } from './others';

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  toasts.list = [];
});

it.each([
  [{ asked: 12, imported: ['a'], known: 3 }, '1 new build, 3 known already; the registries were asked for 12 keys.'],
  [{ asked: 1, imported: [], known: 0 }, 'No new build; the registries were asked for 1 key.'],
  [{ asked: 0, imported: [], known: 0 }, 'There was nothing to ask for: no pipeline has a stack with a registry.'],
])('says what came of %j', (report, words) => {
  expect(syncWords({ problems: [], ...report })).toBe(words);
});

it('offers what is new and tells every problem', async () => {
  const problems = ['registry.example.org\u202e does not answer'];
  const asked = vi.fn((_: { project: string | null }) => ({ ...syncReport, problems }));
  mockEngine({ sync_builds: asked as never });
  await findBuildsOfOthers('abc');
  expect(asked).toHaveBeenCalledWith({ project: 'abc' });
  expect(toasts.list.map((toast) => toast.tone)).toEqual(['ok', 'warn']);
  expect(toasts.list[1]?.text).toBe('Registry.example.org⟨202E⟩ does not answer.');
  toasts.list[0]?.action?.run();
  expect(app.router.screen).toEqual({ name: 'build', build: syncReport.imported[0] });
});

it('says when it could not ask at all', async () => {
  mockEngine({
    sync_builds: () => {
      throw wireError({ message: 'the registries cannot be asked' });
    },
  });
  await findBuildsOfOthers(null);
  expect(toasts.list[0]).toMatchObject({ tone: 'fail', text: 'The registries cannot be asked' });
});
