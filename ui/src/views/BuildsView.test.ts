import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';

import { buildHandlers } from '../../tests/mock/builds';
import { pipelineHandlers, project as pipelineProject } from '../../tests/mock/pipeline';
import { handlers, type Handlers, mockEngine } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import { memory } from '../catalogue/memory.svelte';
import { everything } from '../catalogue/query';
import type { BuildFilter } from '../lib/ipc';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { runChoicesOf } from '../pipeline/choices.svelte';
import BuildsView from './BuildsView.svelte';

function show(override: Handlers = {}) {
  mockEngine(handlers(50, { ...buildHandlers(), ...override }));
  return render(Providers, { of: BuildsView });
}
// Queries by role are slow on a screen this full.
const one = (selector: string) => document.querySelector(selector) as Element;
const options = () => waitFor(() => expect(one('[role=option]')).toBeTruthy());

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  memory.query = everything;
  toasts.list = [];
});

it('lists every build and opens one by keyboard', async () => {
  const open = vi.spyOn(app, 'showBuild').mockImplementation(() => {});
  show();
  await options();
  expect(screen.getByText('500 builds')).toBeTruthy();
  const list = one('[role=listbox]');
  await fireEvent.keyDown(list, { key: 'j' });
  await fireEvent.keyDown(list, { key: 'ArrowDown' });
  await fireEvent.keyDown(list, { key: 'Enter' });
  expect(open).toHaveBeenCalledTimes(1);
});

it('filters by words and by status at once, and finds its way back', async () => {
  const asked: unknown[] = [];
  const list = buildHandlers().list_builds as (args: unknown) => unknown;
  show({
    list_builds: (args: { filter: unknown }) => {
      asked.push(args.filter);
      return list(args);
    },
  });
  await options();
  await fireEvent.click(screen.getByText('failed'));
  const field = one('[aria-label="Search builds"]') as HTMLInputElement;
  await waitFor(() => expect(field.value).toBe('status:failed'));
  await fireEvent.input(field, { target: { value: 'status:failed startswith:zz' } });
  expect(await screen.findByText('No build matches')).toBeTruthy();
  expect(asked.at(-1)).toMatchObject({ status: ['failed'], id: 'startswith:zz' });
  await fireEvent.click(screen.getByText('Show all builds'));
  await waitFor(() => expect(screen.getByText('500 builds')).toBeTruthy());
});

it('selects a range with Shift, shows what deleting frees, and can be undone', async () => {
  const deleted = vi.fn();
  show({ delete_builds: deleted });
  await options();
  const list = one('[role=listbox]');
  for (const key of ['j', 'j', 'j', 'j']) await fireEvent.keyDown(list, { key });
  await fireEvent.keyDown(list, { key: 'ArrowDown', shiftKey: true });
  await fireEvent.keyDown(list, { key: 'ArrowDown', shiftKey: true });
  expect(await screen.findByText('3 builds')).toBeTruthy();
  await fireEvent.click(screen.getByText('Delete…'));
  expect(await screen.findByText('Left alone')).toBeTruthy();
  await fireEvent.click(screen.getByText('Delete'));
  await waitFor(() => expect(screen.getByText('498 builds')).toBeTruthy());
  toasts.list.at(-1)?.action?.run();
  await waitFor(() => expect(screen.getByText('500 builds')).toBeTruthy());
  expect(deleted).not.toHaveBeenCalled();
});

it('says that there is nothing yet, and what to do', async () => {
  show({ list_builds: () => ({ total: 0, builds: [] }) });
  expect(await screen.findByText('No builds yet')).toBeTruthy();
});

it('shows an error with a way out', async () => {
  show({
    list_builds: () =>
      Promise.reject({
        code: 'newer_catalogue',
        message: 'the catalogue was written by a newer Headstart',
        hint: 'Update Headstart.',
        detail: null,
        problems: [],
      }),
  });
  expect(await screen.findByText('The catalogue was written by a newer Headstart.')).toBeTruthy();
  expect(screen.getByText('Ask again')).toBeTruthy();
});

it('shows of pipelines’ builds whose they are, who made them and whether code is in them', async () => {
  show(pipelineHandlers());
  await options();
  const rows = [...document.querySelectorAll('[role=option]')].map((row) => row.getAttribute('aria-label') ?? '');
  expect(rows[0]).toContain('pipeline training, stack local, by ana@lab-7');
  expect(rows[1]).toContain('pipeline inference, stack gpu, contains code');
  expect(document.querySelectorAll('[title^="Contains code"]'), 'only one does').toHaveLength(1);
});

it('filters by pipeline, stack and code', async () => {
  const list = pipelineHandlers().list_builds as unknown as (asked: { filter: BuildFilter }) => unknown;
  const asked = vi.fn((args: { filter: BuildFilter }) => list(args));
  show({ ...pipelineHandlers(), list_builds: asked as never });
  await options();
  await fireEvent.click(screen.getByText('without code'));
  await waitFor(() => expect(asked.mock.lastCall?.[0].filter.contains_code).toBe(false));
  const field = one('[aria-label="Search builds"]') as HTMLInputElement;
  expect(field.value).toBe('code:outside');
  await fireEvent.input(field, { target: { value: 'pipeline:startswith:inf stack:gpu' } });
  await waitFor(() =>
    expect(asked.mock.lastCall?.[0].filter).toMatchObject({
      pipeline: 'startswith:inf',
      stack: 'gpu',
      contains_code: null,
    }),
  );
  await waitFor(() => expect(screen.getByText('1 build match')).toBeTruthy());
});

it('takes a succeeded build of a pipeline to its plan', async () => {
  app.projects = [pipelineProject];
  runChoicesOf(pipelineProject.id).reset();
  show(pipelineHandlers());
  await options();
  const list = one('[role=listbox]');
  for (const key of ['j', ' ']) await fireEvent.keyDown(list, { key });
  (await screen.findByRole('button', { name: 'Use this build' })).click();
  expect(runChoicesOf(pipelineProject.id).base).toBe('a1b2c3d400000001');
  expect(app.router.screen).toEqual({ name: 'history' });
  await fireEvent.keyDown(list, { key: ' ' });
  for (const key of ['j', 'j', ' ']) await fireEvent.keyDown(list, { key });
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Use this build' }), 'it failed').toBeNull());
});

it('looks for colleagues’ builds on request and says what came of it', async () => {
  show(pipelineHandlers());
  await options();
  actions.press(new KeyboardEvent('keydown', { key: 'f' }));
  await waitFor(() => expect(toasts.list[0]?.text).toContain('1 new build, 3 known already'));
});
