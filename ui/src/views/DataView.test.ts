import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import { dataHandlers, failed, spec } from '../../tests/mock/data';
import { stacks } from '../../tests/mock/pipeline';
import { handlers, type Handlers, mockEngine, wireError } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import { dataStacks } from '../data/stacks.svelte';
import { submission } from '../datums/submission.svelte';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import type { DataTab } from '../lib/state/router.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { adding } from '../project/adding.svelte';
import DatumPipelineView from './DatumPipelineView.svelte';
import DataView from './DataView.svelte';

function show(tab: DataTab, override: Handlers = {}) {
  mockEngine(handlers(20, dataHandlers(override)));
  return render(Providers, { of: DataView, having: { tab } });
}
function showPipeline(pipeline: string, override: Handlers = {}) {
  mockEngine(handlers(20, dataHandlers(override)));
  return render(Providers, { of: DatumPipelineView, having: { stack: null, pipeline } });
}
const press = (key: string) => actions.press(new KeyboardEvent('keydown', { key }));

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  toasts.list = [];
  dataStacks.list = [];
  dataStacks.chosen = null;
  submission.queue = [];
  app.router.go({ name: 'data', tab: 'pipelines' });
});

it('lists pipelines in the order in which they run, with how each stands', async () => {
  show('pipelines');
  const list = await screen.findByRole('region', { name: 'Pipelines' });
  const rows = [...list.querySelectorAll('li')];
  expect(rows.map((row) => row.dataset.pipeline)).toEqual(['map', 'map_build', 'digest', 'archive']);
  expect(rows[0]?.textContent).toMatch(/map v3.*scraper@master → map@master.*running.*74 processed, 120 reused/);
  expect(rows[1]?.textContent).toContain('builds the code of map');
  expect(rows[2]?.textContent).toContain('last job failed');
  expect(rows[3]?.textContent).toContain('stopped');
  screen.getByRole('button', { name: 'Last job of digest' }).click();
  expect(app.router.screen).toEqual({ name: 'job', job: failed.id });
  press('j');
  expect((document.activeElement as HTMLElement).textContent).toContain('map v3');
  screen.getByRole('button', { name: /^digest/ }).click();
  expect(app.router.screen).toEqual({ name: 'datum-pipeline', stack: 'local', pipeline: 'digest' });
});

it('says what pipelines are when there are none, and three ways to one', async () => {
  show('pipelines', { list_datum_pipelines: () => [] });
  expect(await screen.findByText('Drop a pipeline spec here')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Open a spec…' })).toBeTruthy();
  screen.getByRole('button', { name: 'Type its path' }).click();
  expect(adding.asking).toBe(true);
  adding.asking = false;
});

it('asks the stack that is chosen, and only where there are several', async () => {
  const asked = vi.fn();
  const { unmount } = show('repositories', { list_data_repos: ((args: unknown) => (asked(args), [])) as never });
  await screen.findByText('No data yet');
  expect(asked.mock.lastCall?.[0]).toEqual({ stack: null });
  expect(screen.queryByRole('combobox', { name: /^Stack/ })).toBeNull();
  unmount();
  show('repositories', { list_stacks: () => stacks, list_data_repos: ((args: unknown) => (asked(args), [])) as never });
  await screen.findByText('No data yet');
  expect(asked.mock.lastCall?.[0]).toEqual({ stack: stacks[0]?.name });
  expect(screen.getByRole('combobox', { name: `Stack: ${stacks[0]?.name}` })).toBeTruthy();
  dataStacks.chosen = 'gpu';
  await waitFor(() => expect(asked.mock.lastCall?.[0]).toEqual({ stack: 'gpu' }));
});

it('makes a repository from a folder, and shows it', async () => {
  const put = vi.fn();
  const real = dataHandlers().put_data_files as (args: unknown) => unknown;
  show('repositories', { put_data_files: ((args: unknown) => (put(args), real(args))) as never });
  await fireEvent.click(await screen.findByRole('button', { name: /^New repository/ }));
  const name = await screen.findByRole('textbox', { name: 'Name of the repository' });
  await fireEvent.input(name, { target: { value: 'no good' } });
  expect(screen.getByText('Letters, digits, “_” and “-” only.')).toBeTruthy();
  await fireEvent.input(name, { target: { value: 'pages' } });
  await fireEvent.input(screen.getByRole('textbox', { name: 'Folder to fill it from' }), {
    target: { value: '/home/mira/pages' },
  });
  await fireEvent.click(screen.getByRole('button', { name: 'Create' }));
  await waitFor(() => expect(app.router.screen).toEqual({ name: 'data-repo', stack: null, repo: 'pages' }));
  expect(put.mock.lastCall?.[0]).toMatchObject({
    request: { repo: 'pages', branch: 'master', sources: [{ from: '/home/mira/pages', to: '/' }] },
  });
});

it('writes a builder, and keeps what was typed when it cannot', async () => {
  let refuse = true;
  show('pipelines', {
    list_datum_pipelines: () => [],
    new_code_builder: (({ language, folder }: { language: string; folder: string }) => {
      if (refuse) throw wireError({ message: 'Dockerfile is there already' });
      return { language, folder, files: ['Dockerfile', 'build.sh', 'run.sh'], base: 'python:3' };
    }) as never,
  });
  await fireEvent.click(await screen.findByRole('button', { name: 'New builder…' }));
  await fireEvent.input(await screen.findByRole('textbox', { name: 'Folder' }), { target: { value: '/home/mira/b' } });
  await fireEvent.click(screen.getByRole('button', { name: 'Write builder' }));
  expect(await screen.findByText('Dockerfile is there already.')).toBeTruthy();
  refuse = false;
  await fireEvent.click(screen.getByRole('button', { name: 'Write builder' }));
  expect(await screen.findByText('run.sh')).toBeTruthy();
});

it('shows one pipeline: its graph, its facts, its jobs, its spec', async () => {
  showPipeline('map');
  const graph = await screen.findByRole('figure', { name: 'Graph: cross of source, build and scraper' });
  expect(graph.querySelectorAll('.canvas > svg path')).toHaveLength(5);
  expect(screen.getByText("sh /pfs/build/run.sh --mode 'word count'")).toBeTruthy();
  const listed = await screen.findByRole('region', { name: 'Jobs' });
  expect(listed.querySelectorAll('li')).toHaveLength(4);
  expect(screen.getByLabelText('Spec').textContent).toContain('"language": "go"');
  screen.getByRole('button', { name: 'input scraper, master, glob /*' }).click();
  expect(app.router.screen).toEqual({ name: 'data-repo', stack: null, repo: 'scraper' });
});

it('opens its spec again to update it, with the choice it has', async () => {
  showPipeline('map');
  await fireEvent.click(await screen.findByRole('button', { name: /^Update/ }));
  expect(app.router.screen).toEqual({ name: 'submit' });
  expect(submission.request).toMatchObject({ path: spec, choice: 'code_as_input' });
});

it('stops a pipeline and lets it go on, and ticks only one that has a clock', async () => {
  const asked = vi.fn();
  const { unmount } = showPipeline('archive', {
    stop_datum_pipeline: ((args: unknown) => (asked(args), ['a9b4c0de00000009'])) as never,
  });
  await fireEvent.click(await screen.findByRole('button', { name: /^Go on/ }));
  await waitFor(() => expect(asked).toHaveBeenCalledWith({ stack: null, name: 'archive', stopped: false }));
  await waitFor(() => expect(toasts.list[0]?.action?.label).toBe('Show job'));
  expect(screen.queryByRole('button', { name: /^Run clock/ })).toBeNull();
  unmount();
  showPipeline('digest');
  await fireEvent.click(await screen.findByRole('button', { name: /^Run clock/ }));
  await waitFor(() => expect(toasts.list.at(-1)?.text).toBe('1 job started.'));
});

it('deletes a pipeline with its data only when that is said', async () => {
  const deleted = vi.fn();
  showPipeline('digest', { delete_datum_pipeline: ((args: unknown) => (deleted(args), null)) as never });
  await screen.findByRole('figure');
  press('Delete');
  await screen.findByRole('dialog', { name: 'Delete digest?' });
  await fireEvent.click(screen.getByRole('checkbox', { name: /^Delete its data too/ }));
  await fireEvent.click(screen.getByRole('button', { name: 'Delete with data' }));
  await waitFor(() => expect(deleted).toHaveBeenCalledWith({ stack: null, name: 'digest', withData: true }));
  await waitFor(() => expect(app.router.screen).toEqual({ name: 'data', tab: 'pipelines' }));
});

it('removes unused data only after showing how much it is', async () => {
  const asked = vi.fn();
  show('repositories', {
    sweep_data: ((args: unknown) => (asked(args), { chunks: 12, bytes: 1_300_000 })) as never,
  });
  await screen.findByRole('region', { name: 'Repositories' });
  await fireEvent.pointerDown(screen.getByRole('button', { name: 'More' }), { button: 0, pointerType: 'mouse' });
  await fireEvent.click(await screen.findByRole('menuitem', { name: 'Remove unused data…' }));
  expect(await screen.findByText('12 chunks, 1.3 MB, can be removed.')).toBeTruthy();
  expect(asked.mock.calls).toEqual([[{ stack: null, onlyLook: true }]]);
  await fireEvent.click(screen.getByRole('button', { name: 'Remove' }));
  await waitFor(() => expect(asked.mock.lastCall).toEqual([{ stack: null, onlyLook: false }]));
  await waitFor(() => expect(toasts.list[0]?.text).toBe('1.3 MB freed.'));
});

it('leads back to a spec that is open and not submitted', async () => {
  mockEngine(handlers(20, dataHandlers()));
  submission.open({ path: spec });
  app.router.go({ name: 'data', tab: 'pipelines' });
  show('pipelines');
  expect((await screen.findByRole('status')).textContent).toMatch(/map\.json\s+is open and not submitted yet/);
  screen.getByRole('button', { name: 'Show' }).click();
  expect(app.router.screen).toEqual({ name: 'submit' });
});
