import { fireEvent, render, screen } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import Providers from '../../tests/Providers.svelte';
import { composeHandlers, composePlan, project, targets } from '../../tests/mock/compose';
import { graph as commits } from '../../tests/mock/graph';
import { engine, handlers, type Handlers, mockEngine, wireError } from '../../tests/mock/world';
import { Graph } from '../history/graph.svelte';
import type { BuildRequest } from '../lib/ipc';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import PlanPanel from '../plan/PlanPanel.svelte';
import { choicesOf } from './choices.svelte';
import { deploys } from './deploys.svelte';

const rows = commits(60);
type Asked = { request: BuildRequest };

function show(override: Handlers = {}) {
  const started = vi.fn((_: Asked) => 'b000000000000001');
  const deployed = vi.fn((_: Asked) => new Promise(() => {}));
  const planned = vi.fn((_: Asked) => composePlan());
  mockEngine(
    handlers(60, {
      ...composeHandlers(),
      start_build: started as never,
      start_deploy: deployed as never,
      plan_commit: planned as never,
      ...override,
    }),
  );
  const graph = new Graph(project.id);
  graph.apply(0, { known: 60, complete: true, lanes: 5, rows, unborn: false, shallow: false });
  const props = { project: project.id, commit: rows[5]?.commit ?? '', graph, onjump: () => {}, onclose: () => {} };
  render(Providers, { of: PlanPanel, having: props });
  return { started, deployed, planned };
}

beforeEach(() => {
  app.engine = engine;
  app.projects = [project];
  const choices = choicesOf(project.id);
  choices.reset();
  choices.left.clear();
  deploys.list = [];
});

it('says for each service what becomes of it, why, and what will be deployed', async () => {
  show();
  expect(await screen.findByText('2 of 3 to build')).toBeTruthy();
  expect(await screen.findByText('built already at 3f2a91c', { exact: false })).toBeTruthy();
  const list = screen.getByRole('region', { name: 'Services' }).textContent;
  expect(list).toContain('headstart-webshop-api:3f2a91c');
  expect(list, 'an image nobody builds is a service too').toContain('postgres:17-alpine');
  expect(screen.getAllByText('cached from 3 images'), 'what is reused needs no cache').toHaveLength(2);
});

it('builds the services that are chosen, all of them without naming any', async () => {
  const { started, planned } = show();
  (await screen.findByRole('button', { name: 'Build' })).click();
  await vi.waitFor(() => expect(started.mock.lastCall?.[0].request.services).toEqual([]));
  await fireEvent.click(await screen.findByRole('checkbox', { name: 'Build worker' }));
  expect(screen.getByText('2 of 3 chosen')).toBeTruthy();
  screen.getByRole('button', { name: 'Build' }).click();
  await vi.waitFor(() => expect(started.mock.lastCall?.[0].request.services).toEqual(['frontend', 'api']));
  expect(planned.mock.calls.every(([asked]) => asked.request.services?.length === 0)).toBe(true);
});

it('builds nothing when no service is chosen', async () => {
  show();
  (await screen.findByRole('button', { name: 'Choose none' })).click();
  expect(await screen.findByText('0 of 3 chosen')).toBeTruthy();
  expect(screen.getByRole('button', { name: /Build & deploy/ }).hasAttribute('disabled')).toBe(true);
});

it('deploys by keyboard and goes to where that is told', async () => {
  const { deployed } = show();
  await screen.findByRole('button', { name: /Build & deploy/ });
  actions.press(new KeyboardEvent('keydown', { key: 'd' }));
  await vi.waitFor(() => expect(deployed).toHaveBeenCalledOnce());
  expect(deployed.mock.calls[0]?.[0].request).toMatchObject({ commit: rows[5]?.commit, services: [] });
  expect(app.router.screen).toEqual({ name: 'runs' });
  expect(deploys.list[0]?.name).toBe('webshop');
});

it('only deploys what is built already', async () => {
  show({ plan_commit: () => composePlan({ targets: targets.map((one) => ({ ...one, decision: 'reuse' as const })) }) });
  expect(await screen.findByText('Everything is built')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Deploy' })).toBeTruthy();
});

it('plans again with an option, keeps the panel open, and offers the way back', async () => {
  const { planned } = show();
  (await screen.findByText('Options')).click();
  const registry = screen.getByRole('textbox', { name: 'Registry' });
  await fireEvent.input(registry, { target: { value: 'localhost:5000' } });
  expect(planned, 'typing plans nothing').toHaveBeenCalledTimes(1);
  await fireEvent.change(registry);
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.options?.registry).toBe('localhost:5000'));
  expect(screen.getByText('registry localhost:5000')).toBeTruthy();
  expect(screen.getByText('Images are pushed because a registry is set.')).toBeTruthy();
  await fireEvent.click(screen.getByRole('checkbox', { name: /No cache/ }));
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.no_cache).toBe(true));
  screen.getByRole('button', { name: 'Back to the stack’s' }).click();
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.options?.registry).toBeNull());
});

it('leaves the registry of the stack out for one build', async () => {
  const { planned, started } = show();
  const push = await screen.findByRole('checkbox', { name: /Push to the registry/ });
  await vi.waitFor(() => expect(push.hasAttribute('disabled'), 'the stack has one').toBe(false));
  await fireEvent.click(push);
  const asked = { registry: '', registry_single_name: null, no_registry_cache: false };
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.options).toMatchObject(asked));
  expect(screen.getByText('no registry')).toBeTruthy();
  expect(screen.getByRole('textbox', { name: 'Registry' }).hasAttribute('disabled')).toBe(true);
  expect(screen.getByRole('checkbox', { name: /Registry cache/ }).hasAttribute('disabled')).toBe(true);
  (await screen.findByRole('button', { name: 'Build' })).click();
  await vi.waitFor(() => expect(started.mock.lastCall?.[0].request.options?.registry).toBe(''));
  screen.getByRole('button', { name: 'Back to the stack’s' }).click();
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request.options?.registry).toBeNull());
});

it('offers to leave the options when no plan can be made with them', async () => {
  choicesOf(project.id).registry = 'nowhere:1';
  show({
    plan_commit: (({ request }: Asked) => {
      if (request.options?.registry) throw wireError({ code: 'config', message: 'the registry is not one' });
      return composePlan();
    }) as never,
  });
  (await screen.findByRole('button', { name: 'Back to the stack’s options' })).click();
  expect(await screen.findByText('2 of 3 to build')).toBeTruthy();
});

it('shows both files and the command as it can be pasted', async () => {
  const asked = vi.fn((_: Asked) => composeHandlers().compose_files?.(undefined as never));
  show({ compose_files: asked as never });
  (await screen.findByRole('button', { name: 'Files' })).click();
  expect(await screen.findByText('Deployed compose file')).toBeTruthy();
  const dialog = screen.getByRole('dialog').textContent;
  expect(dialog).toContain('"cache-from"');
  expect(dialog).toContain('image: postgres:17-alpine');
  expect(dialog).toContain("--set '*.labels.note=made by hand' frontend worker");
  expect(screen.getByRole('button', { name: 'Copy the command' })).toBeTruthy();
});
