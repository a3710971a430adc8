import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import Providers from '../../tests/Providers.svelte';
import { graph as commits } from '../../tests/mock/graph';
import { checkout, pipeline, pipelineBuilds, pipelineHandlers, pipelinePlan, project } from '../../tests/mock/pipeline';
import { engine, handlers, type Handlers, mockEngine, noEngine, wireError } from '../../tests/mock/world';
import { Graph } from '../history/graph.svelte';
import type { BuildRequest, RunRequest } from '../lib/ipc';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import PlanPanel from '../plan/PlanPanel.svelte';
import { canUse, runChoicesOf, useBuild } from './choices.svelte';

const rows = commits(60);
type Asked = { request: BuildRequest };
const choices = runChoicesOf(project.id);

function show(override: Handlers = {}, row = 5) {
  const plan = pipelineHandlers().plan_commit as unknown as (asked: Asked) => unknown;
  const planned = vi.fn((asked: Asked) => plan(asked));
  const ran = vi.fn((_: { request: RunRequest }) => 'f00d000000000004');
  const built = vi.fn((_: Asked) => 'a1b2c3d400000001');
  mockEngine(
    handlers(60, {
      ...pipelineHandlers(),
      plan_commit: planned as never,
      start_pipeline_run: ran as never,
      start_build: built as never,
      ...override,
    }),
  );
  const graph = new Graph(project.id);
  graph.apply(0, { known: 60, complete: true, lanes: 5, rows, unborn: false, shallow: false });
  const props = { project: project.id, commit: rows[row]?.commit ?? '', graph, onjump: () => {}, onclose: () => {} };
  render(Providers, { of: PlanPanel, having: props });
  return { planned, ran, built };
}

const region = async (name: string) => within(await screen.findByRole('region', { name }));

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  app.engine = engine;
  app.projects = [project];
  app.router.go({ name: 'history' });
  choices.reset();
});

it('says for each image what becomes of it, for which steps, and shows its Dockerfile', async () => {
  show();
  const images = await region('Images');
  expect(screen.getByText('1 of 2 images to build')).toBeTruthy();
  expect(images.getByText('Everything that matters is the same as in build a1b2c3d4.', { exact: false })).toBeTruthy();
  expect(images.getByText('contains the code')).toBeTruthy();
  expect(images.getByText('evaluate')).toBeTruthy();
  expect(images.getAllByLabelText(/^Dockerfile of/)[0]?.textContent).toContain('ENV OMP_NUM_THREADS="4"');
  expect(images.getByRole('button', { name: 'Copy the Dockerfile of train' })).toBeTruthy();
});

it('says for each step how its code gets in, and why', async () => {
  show();
  const steps = await region('Steps');
  expect(steps.getByText(`from code repository fraud at ${rows[5]?.commit.slice(0, 7)}`)).toBeTruthy();
  expect(steps.getByText('included in the image')).toBeTruthy();
  expect(steps.getByText('Download from code repositories is switched off for this step.')).toBeTruthy();
  expect(steps.getByText('python -m train --epochs 3')).toBeTruthy();
});

it('shows every condition of the closest build, wanted beside what is there', async () => {
  show();
  const compared = await region('Compared builds');
  expect(compared.getByText('1 of 2 builds usable with local')).toBeTruthy();
  expect(compared.getByText('ana@lab-7')).toBeTruthy();
  const row = compared.getByText('parent image digest').closest('tr')!;
  expect(within(row).getByLabelText('does not hold')).toBeTruthy();
  expect(row.textContent).toContain('sha256:2f7f');
  expect(row.textContent).toContain('sha256:77ab');
});

it('fetches only on a click, and plans again with what that showed', async () => {
  const looked = vi.fn((_: { fetch: boolean }) => ({
    ...checkout,
    unpushed: true,
    usable: false,
    reason: 'not pushed yet',
  }));
  const { planned } = show({ checkout_state: looked as never });
  const card = await region('Checkout');
  expect(card.getByText('clean')).toBeTruthy();
  expect(looked).not.toHaveBeenCalled();
  const before = planned.mock.calls.length;
  card.getByRole('button', { name: 'Fetch' }).click();
  await vi.waitFor(() => expect(looked.mock.calls[0]?.[0]).toMatchObject({ project: project.id, fetch: true }));
  await vi.waitFor(() => expect(planned.mock.calls.length).toBe(before + 1));
});

it('opens the folder, and offers no fetch without a code repository', async () => {
  const opened = vi.fn(() => null);
  show({
    open_project_folder: opened,
    plan_commit: () => pipelinePlan({ pipeline: { ...pipeline, checkout: { ...checkout, repository: null } } }),
  });
  const card = await region('Checkout');
  card.getByRole('button', { name: 'Open folder' }).click();
  await vi.waitFor(() => expect(opened).toHaveBeenCalled());
  expect(card.getByRole('button', { name: 'Fetch' }).hasAttribute('disabled')).toBe(true);
});

it('runs with the parameters that were typed, and shows the run', async () => {
  const { ran } = show();
  (await screen.findByText('Options')).click();
  await fireEvent.click(screen.getByRole('button', { name: 'Add a parameter' }));
  await fireEvent.input(screen.getByLabelText('Name of parameter 1'), { target: { value: 'model' } });
  await fireEvent.input(screen.getByLabelText('Value of parameter 1, as JSON'), { target: { value: 'svm' } });
  const run = screen.getByRole('button', { name: /^Build & run/ });
  expect(run.hasAttribute('disabled'), 'svm is no JSON').toBe(true);
  await fireEvent.click(screen.getByRole('button', { name: 'Take it as text' }));
  expect(run.hasAttribute('disabled')).toBe(false);
  run.click();
  await vi.waitFor(() => expect(ran).toHaveBeenCalledOnce());
  expect(ran.mock.calls[0]?.[0].request).toMatchObject({
    build: { project: project.id, commit: rows[5]?.commit, base: null },
    parameters: [['model', '"svm"']],
  });
  await vi.waitFor(() => expect(app.router.screen).toEqual({ name: 'run', run: 'f00d000000000004' }));
});

it('runs and builds by keyboard', async () => {
  const { ran, built } = show();
  await region('Images');
  actions.press(new KeyboardEvent('keydown', { key: 'r' }));
  await vi.waitFor(() => expect(ran).toHaveBeenCalledOnce());
  actions.press(new KeyboardEvent('keydown', { key: 'b' }));
  await vi.waitFor(() => expect(built.mock.calls[0]?.[0].request).toMatchObject({ full: false }));
});

it('only runs when everything is built', async () => {
  const targets = pipelinePlan().targets.map((one) => ({ ...one, decision: 'reuse' as const }));
  show({ plan_commit: () => pipelinePlan({ targets, decision: 'reuse', build: 'a1b2c3d400000001' }) });
  expect(await screen.findByRole('button', { name: /^Run/ })).toBeTruthy();
  expect(screen.queryByRole('button', { name: /^Build only/ })).toBeNull();
  expect(screen.getAllByRole('button', { name: 'Show the build' })[0]).toBeTruthy();
});

it('plans without Docker but runs nothing', async () => {
  app.engine = noEngine;
  const { ran } = show();
  expect((await screen.findByRole('button', { name: /^Build & run/ })).hasAttribute('disabled')).toBe(true);
  actions.press(new KeyboardEvent('keydown', { key: 'r' }));
  expect(ran).not.toHaveBeenCalled();
});

it('plans again at once with another stack, and says which builds stay usable', async () => {
  const { planned } = show();
  await region('Images');
  choices.stack = 'gpu';
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.options?.stack).toBe('gpu'));
  expect((await screen.findAllByText('no build usable with gpu')).length).toBeGreaterThan(0);
});

it('forces a build that was chosen, and lets the keys decide again', async () => {
  const { planned, ran } = show();
  await region('Images');
  actions.press(new KeyboardEvent('keydown', { key: 'u' }));
  (await screen.findByText('train: install the project into its image')).click();
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.base).toBe('a1b2c3d400000002'));
  expect(await screen.findByText('A build of your choice')).toBeTruthy();
  actions.press(new KeyboardEvent('keydown', { key: 'r' }));
  await vi.waitFor(() => expect(ran.mock.calls[0]?.[0].request.build.base).toBe('a1b2c3d400000002'));
  (await screen.findByRole('button', { name: 'Let the keys decide' })).click();
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.base).toBeNull());
});

it('takes an id that no list names', async () => {
  const { planned } = show();
  await region('Images');
  actions.press(new KeyboardEvent('keydown', { key: 'u' }));
  await fireEvent.input(await screen.findByLabelText('Id or words of a build'), { target: { value: 'ab53ca' } });
  (await screen.findByRole('button', { name: 'Use ab53ca' })).click();
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.base).toBe('ab53ca'));
});

it('says why a chosen build cannot serve, runs nothing with it, and knows the way back', async () => {
  const { ran } = show({
    plan_commit: (({ request }: Asked) => {
      if (request.base) throw wireError({ code: 'bad_request', message: 'build a1b2 misses an image for train' });
      return pipelinePlan();
    }) as never,
  });
  await region('Images');
  choices.base = 'a1b2';
  expect(await screen.findByText('Build a1b2 misses an image for train.')).toBeTruthy();
  actions.press(new KeyboardEvent('keydown', { key: 'r' }));
  expect(ran).not.toHaveBeenCalled();
  screen.getAllByRole('button', { name: 'Let the keys decide' })[0]?.click();
  await vi.waitFor(() => expect(screen.queryByText('Build a1b2 misses an image for train.')).toBeNull());
});

it('asks for another pipeline of the same run config once its name is entered', async () => {
  const { planned } = show();
  (await screen.findByText('Options')).click();
  const field = screen.getByRole('textbox', { name: 'Pipeline' });
  await fireEvent.input(field, { target: { value: 'no module' } });
  await fireEvent.change(field);
  expect(screen.getByText('Written as module.instance.')).toBeTruthy();
  await fireEvent.input(field, { target: { value: 'pipelines.inference' } });
  await fireEvent.change(field);
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.pipeline).toBe('pipelines.inference'));
});

it('is opened with a build of the catalogue', () => {
  const [usable, , failed] = pipelineBuilds;
  expect(canUse(failed!), 'it failed').toBe(false);
  expect(canUse({ ...usable!, project: 'gone' }), 'its project is not here').toBe(false);
  expect(canUse({ ...usable!, pipeline: null }), 'it is no pipeline’s').toBe(false);
  app.router.go({ name: 'builds' });
  useBuild(usable!);
  expect(choices.base).toBe(usable!.id);
  expect(app.router.screen).toEqual({ name: 'history' });
});
