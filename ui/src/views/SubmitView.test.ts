import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import {
  badSpec,
  dataHandlers,
  running,
  spec,
  specPreview,
  submission as submitted,
  submitPlan,
} from '../../tests/mock/data';
import { handlers, type Handlers, mockEngine, wireError } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import { submission } from '../datums/submission.svelte';
import type { SubmitEvent, SubmitRequest } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { adding } from '../project/adding.svelte';
import SubmitView from './SubmitView.svelte';

type Asked = (args: { request: SubmitRequest }) => unknown;

function show(override: Handlers = {}) {
  const asked = vi.fn<Asked>(({ request }) => submitPlan(request));
  mockEngine(handlers(20, dataHandlers({ plan_submission: asked as never, ...override })));
  const shown = render(Providers, { of: SubmitView });
  return { ...shown, asked };
}
/** The main button, when it can be pressed. */
async function main(): Promise<HTMLButtonElement> {
  await waitFor(() => {
    const button = screen.getByRole<HTMLButtonElement>('button', { name: /^(Submit|Update map)$/ });
    expect(button.disabled).toBe(false);
  });
  return screen.getByRole('button', { name: /^(Submit|Update map)$/ });
}

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  toasts.list = [];
  submission.queue = [];
  submission.busy = false;
  adding.queue = [];
  app.router.go({ name: 'data', tab: 'pipelines' });
});

it('shows a dropped spec here instead of adding a project', async () => {
  show();
  adding.apply({ type: 'drop', paths: [spec] });
  await waitFor(() => expect(app.router.screen).toEqual({ name: 'submit' }));
  expect(adding.path, 'nothing else asks about it').toBeNull();
  expect(await screen.findByRole('article', { name: 'Pipeline map' })).toBeTruthy();
  expect(screen.getByText('Code: 2 files differ.')).toBeTruthy();
  expect(screen.getByText('6 files, 18 kB, 2 files differ', { exact: false })).toBeTruthy();
  expect(screen.getByRole('list', { name: 'Left out' }).textContent).toMatch(
    /\*\.pyc .pachignore:1.*12 files.*util.pyc/,
  );
  expect(screen.getByText('It is in the engine already.')).toBeTruthy();
  expect(screen.getAllByText('1 new, 240 reused, 0 redone')).toHaveLength(1);
});

it('keeps several specs of one drop in their order, and other files out of it', async () => {
  const second = '/home/mira/src/edges/montage.json';
  show({
    preview_path: (({ path }: { path: string }) => ({
      ...specPreview,
      path,
      datum_pipelines: path.endsWith('.json') ? ['one'] : [],
    })) as never,
  });
  adding.open([spec, second, '/home/mira/src/redis']);
  await waitFor(() => expect(submission.queue).toEqual([{ path: spec }, { path: second }]));
  await waitFor(() => expect(adding.path).toBe('/home/mira/src/redis'));
  (await screen.findByRole('button', { name: 'Skip, 1 more' })).click();
  expect(submission.source).toEqual({ path: second });
});

it('asks anew for every choice, and shows only the answer to the last', async () => {
  const { asked } = show();
  submission.open({ path: spec });
  expect((await main()).textContent?.trim()).toBe('Update map');
  await fireEvent.click(screen.getByRole('radio', { name: 'New data only' }));
  expect((screen.getByRole('button', { name: 'Update map' }) as HTMLButtonElement).disabled, 'not what is shown').toBe(
    true,
  );
  await fireEvent.click(screen.getByRole('checkbox', { name: /Upload .git too/ }));
  await waitFor(() =>
    expect(asked.mock.lastCall?.[0].request).toMatchObject({ choice: 'new_data_only', include_git: true }),
  );
  expect(await screen.findByText('about 240 ms')).toBeTruthy();
  expect(asked.mock.calls.length, 'two quick changes are one question').toBeLessThanOrEqual(3);
});

it('builds and pushes no image of what has a build step, but of others', async () => {
  const { asked, unmount } = show();
  submission.open({ path: spec });
  await main();
  expect(screen.queryByRole('checkbox', { name: /^Build the image/ })).toBeNull();
  expect(screen.getByText(/No image is built or pushed/)).toBeTruthy();
  unmount();
  show({
    plan_submission: (({ request }: { request: SubmitRequest }) => {
      asked({ request });
      return submitPlan(request, { pipelines: [submitted('code_as_input', { code: null, version: 1 })] });
    }) as never,
  });
  const build = await screen.findByRole('checkbox', { name: /^Build the image/ });
  await waitFor(() => expect((build as HTMLInputElement).disabled).toBe(false));
  await fireEvent.click(build);
  await fireEvent.click(screen.getByRole('checkbox', { name: /^Write the new image/ }));
  await waitFor(() => expect(asked.mock.lastCall?.[0].request).toMatchObject({ build: true, write_back: true }));
  expect(await screen.findByText('Build the image of map.')).toBeTruthy();
});

it('shows problems at their lines, and submits nothing that has any', async () => {
  show({ plan_submission: () => badSpec });
  submission.open({ path: spec });
  expect(await screen.findByText('map.json:7:5')).toBeTruthy();
  expect(screen.getByText('"image": "mine/builder:1"', { exact: false })).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Submit' })).toBeNull();
  expect(screen.getByRole('button', { name: 'Look again' })).toBeTruthy();
});

it('says how far it is, links to the build, and goes to the first job', async () => {
  let send: (event: SubmitEvent) => void = () => {};
  let finish: () => void = () => {};
  show({
    submit_pipelines: (({ events }: { events: { onmessage: (event: SubmitEvent) => void } }) => {
      send = (event) => events.onmessage(event);
      return new Promise((resolve) => {
        finish = () =>
          resolve({ pipelines: ['map'], jobs: [running.id], done: [], warnings: ['the image has no tag'] });
      });
    }) as never,
  });
  submission.open({ path: spec });
  (await main()).click();
  await screen.findByText('Submitting…', { selector: 'button' });
  send({ type: 'doing', action: 'upload 6 files to map_build@source' });
  send({ type: 'copying', files: 4, bytes: 9000 });
  expect(await screen.findByText('4 files, 9.0 kB')).toBeTruthy();
  send({ type: 'doing', action: 'update the pipeline map_build' });
  send({ type: 'building', build: 'b1b1b1b1b1b1b1b1' });
  expect(await screen.findByRole('button', { name: 'Watch the build b1b1b1b1' })).toBeTruthy();
  expect(screen.getAllByRole('img', { name: 'done' })).toHaveLength(1);
  finish();
  await waitFor(() => expect(app.router.screen).toEqual({ name: 'job', job: running.id }));
  expect(toasts.list.map((toast) => toast.text)).toContain('the image has no tag');
  expect(submission.source).toBeNull();
});

it('stays with everything when submitting fails', async () => {
  show({
    submit_pipelines: () => {
      throw wireError({ message: 'the registry refused the image', hint: 'Log in with docker login.' });
    },
  });
  submission.open({ path: spec });
  await main();
  await fireEvent.click(screen.getByRole('radio', { name: 'Reprocess all' }));
  (await main()).click();
  expect(await screen.findByText('The registry refused the image.')).toBeTruthy();
  expect(screen.getByText('Log in with docker login.')).toBeTruthy();
  expect((screen.getByRole('radio', { name: 'Reprocess all' }) as HTMLInputElement).checked).toBe(true);
  await main(); // It can be tried again.
});

it('says what it is for when nothing is open', () => {
  show();
  expect(screen.getByText('No spec is open')).toBeTruthy();
});
