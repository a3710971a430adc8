import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import Providers from '../../tests/Providers.svelte';
import { composeHandlers, project } from '../../tests/mock/compose';
import { pipelineHandlers, runs as pipelineRuns } from '../../tests/mock/pipeline';
import { handlers, type Handlers, mockEngine, wireError } from '../../tests/mock/world';
import type { BuildRequest, RunFilter } from '../lib/ipc';
import { deploys } from '../compose/deploys.svelte';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import { allRuns } from '../runs/filter';
import { memory } from '../runs/memory.svelte';
import RunsView from './RunsView.svelte';

function show(override: Handlers = {}) {
  mockEngine(handlers(20, { ...composeHandlers(), ...override }));
  render(Providers, { of: RunsView });
}

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  deploys.list = [];
  memory.query = allRuns;
  memory.limit = memory.page;
});

it('lists compose projects with their services and opens a port in the browser', async () => {
  const opened = vi.fn((_: { url: string }) => null);
  show({ open_port: opened as never });
  expect(await screen.findByText('running, unhealthy')).toBeTruthy();
  expect(screen.getByText('exited with 3')).toBeTruthy();
  screen.getByText('localhost:8080').click();
  await vi.waitFor(() => expect(opened.mock.calls[0]?.[0].url).toBe('http://localhost:8080'));
  expect(screen.getByText('5432/tcp').closest('button'), 'what is not published is no link').toBeNull();
});

it('takes a project down only after asking, and keeps its volumes unless told', async () => {
  const taken = vi.fn((_: { composeProject: string; volumes: boolean }) => null);
  show({ take_down: taken as never });
  const down = (await screen.findAllByRole('button', { name: 'Down' }))[0]!;
  down.click();
  const dialog = await screen.findByRole('dialog');
  expect(taken).not.toHaveBeenCalled();
  expect(dialog.textContent).toContain('6 containers');
  await fireEvent.click(screen.getByRole('checkbox', { name: /volumes/ }));
  (await screen.findByRole('button', { name: 'Take down with volumes' })).click();
  await vi.waitFor(() => expect(taken).toHaveBeenCalledWith({ composeProject: 'webshop', volumes: true }));
  await vi.waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  down.click();
  const box = await screen.findByRole<HTMLInputElement>('checkbox', { name: /volumes/ });
  expect(box.checked, 'it was ticked for the last one only').toBe(false);
});

it('shows the log of one service and closes it again', async () => {
  show();
  const button = await screen.findByRole('button', { name: 'Log of api' });
  await fireEvent.click(button);
  const log = await screen.findByRole('log', { name: 'Log of api' });
  await vi.waitFor(() => expect(log.textContent).toContain('api: GET /api/orders/'));
  await fireEvent.click(button);
  expect(screen.queryByRole('log', { name: 'Log of api' })).toBeNull();
});

it('tells why a deploy failed and tries it again', async () => {
  const deployed = vi.fn((_: { request: BuildRequest }) => 'webshop');
  const watched = ({ events }: { events: { onmessage: (event: unknown) => void } }) => {
    events.onmessage({ type: 'failed', error: wireError({ message: 'port 8080 is taken' }) });
    return null;
  };
  show({ start_deploy: deployed as never, watch_deploy: watched as never });
  const request = { project: project.id, commit: null } as BuildRequest;
  await deploys.start(request, 'webshop');
  expect(await screen.findByText('Port 8080 is taken.')).toBeTruthy();
  screen.getByRole('button', { name: 'Deploy again' }).click();
  await vi.waitFor(() => expect(deployed).toHaveBeenCalledTimes(2));
  expect(deployed.mock.lastCall?.[0]).toMatchObject({ request });
});

it('shows a deploy that is under way, and cancels it by button and by key', async () => {
  const cancelled = vi.fn((_: { composeProject: string }) => null);
  const watched = ({ events }: { events: { onmessage: (event: unknown) => void } }) => {
    events.onmessage({ type: 'line', text: ' Container webshop-db-1  Waiting' });
    return new Promise(() => {});
  };
  show({ cancel_deploy: cancelled as never, watch_deploy: watched as never });
  void deploys.start({ project: project.id, commit: null } as BuildRequest, 'webshop');
  const deploy = await screen.findByRole('article', { name: 'Deploy of webshop' });
  await vi.waitFor(() => expect(deploy.textContent).toContain('webshop-db-1'));
  expect(actions.list.some((action) => action.id === 'deploy.cancel' && action.keys?.[0] === 'shift+x')).toBe(true);
  screen.getByRole('button', { name: 'Cancel' }).click();
  await vi.waitFor(() => expect(cancelled).toHaveBeenCalledWith({ composeProject: 'webshop' }));
  await vi.waitFor(() => expect(deploy.textContent).toContain('Cancelling'));
  deploys.list[0]?.apply({ type: 'cancelled' });
  await vi.waitFor(() => expect(deploy.textContent).toContain('goes on running; Down removes it'));
});

it('says what to do when nothing runs', async () => {
  show({ list_deployments: () => [], list_runs: () => [] });
  expect(await screen.findByText('Nothing runs')).toBeTruthy();
});

it('shows what is known of shells when the compose projects cannot be listed', async () => {
  show({
    list_deployments: () => {
      throw wireError({ code: 'engine', message: 'Docker does not answer' });
    },
  });
  expect(await screen.findByText('Docker does not answer.')).toBeTruthy();
});

it('lists runs of pipelines with their code, their build and how far they are', async () => {
  const jumped = vi.spyOn(app, 'showCommit').mockImplementation(() => {});
  show({ ...pipelineHandlers(), list_deployments: () => [], list_runs: () => [] });
  const list = within(await screen.findByRole('region', { name: 'Runs of pipelines' }));
  expect(list.getAllByRole('listitem')).toHaveLength(4);
  expect(list.getByText('step train ended with exit code 2')).toBeTruthy();
  expect(list.getAllByTitle('1 of 3 steps are done')).toHaveLength(2);
  list.getByText(`uncommitted changes on ${pipelineRuns[0]?.base_commit.slice(0, 7)}`).click();
  expect(jumped).toHaveBeenCalledWith(pipelineRuns[0]?.base_commit, pipelineRuns[0]?.project);
  list.getByText('inference').click();
  expect(app.router.screen).toEqual({ name: 'run', run: 'f00d000000000002' });
  jumped.mockRestore();
});

it('finds runs by the beginning of their pipeline, and its way back', async () => {
  const known = pipelineHandlers().list_pipeline_runs as unknown as (asked: { filter: RunFilter }) => unknown;
  const asked = vi.fn((args: { filter: RunFilter }) => known(args));
  show({ list_pipeline_runs: asked as never });
  const field = await screen.findByRole('textbox', { name: 'Pipeline' });
  await fireEvent.input(field, { target: { value: 'inf' } });
  await vi.waitFor(() => expect(asked.mock.lastCall?.[0].filter.pipeline).toBe('startswith:inf'));
  await vi.waitFor(() => expect(screen.queryAllByText('training')).toHaveLength(0));
  expect(screen.getByText('inference')).toBeTruthy();
  await fireEvent.input(field, { target: { value: 'nothing' } });
  (await screen.findByRole('button', { name: 'Show all runs' })).click();
  await vi.waitFor(() => expect(asked.mock.lastCall?.[0].filter.pipeline).toBeNull());
});
