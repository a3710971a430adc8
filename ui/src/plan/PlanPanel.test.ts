import { render, screen } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import Providers from '../../tests/Providers.svelte';
import { graph as commits } from '../../tests/mock/graph';
import {
  changedFiles,
  engine,
  handlers,
  type Handlers,
  mockEngine,
  noEngine,
  plan,
  wireError,
} from '../../tests/mock/world';
import { Graph } from '../history/graph.svelte';
import type { BuildRequest } from '../lib/ipc';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import PlanPanel from './PlanPanel.svelte';

const rows = commits(100);
const onjump = vi.fn();

function show(override: Handlers = {}, row = 5) {
  const started = vi.fn((_: { request: BuildRequest }) => 'b000000000000001');
  mockEngine(handlers(100, { start_build: started as never, ...override }));
  const graph = new Graph('p');
  graph.apply(0, { known: 100, complete: true, lanes: 5, rows, unborn: false, shallow: false });
  const props = { project: 'p', commit: rows[row]?.commit ?? '', graph, onjump, onclose: () => {} };
  render(Providers, { of: PlanPanel, having: props });
  return started;
}

beforeEach(() => {
  app.engine = engine;
  onjump.mockReset();
});

it('says where to start, what it takes and what it saves, and builds that', async () => {
  const started = show();
  expect(await screen.findByText('Incremental')).toBeTruthy();
  expect(screen.getByText('about 5 s')).toBeTruthy();
  expect(screen.getByText('instead of about 46 s')).toBeTruthy();
  screen.getByRole('button', { name: /^Build/ }).click();
  await vi.waitFor(() => expect(started).toHaveBeenCalledOnce());
  expect(started.mock.calls[0]?.[0].request).toMatchObject({ commit: rows[5]?.commit, full: false, base: null });
});

it('builds in full on request of the keyboard', async () => {
  const started = show();
  await screen.findByText('Incremental');
  actions.press(new KeyboardEvent('keydown', { key: 'B', shiftKey: true }));
  await vi.waitFor(() => expect(started.mock.calls[0]?.[0].request).toMatchObject({ full: true }));
});

it('offers the build itself when nothing needs building', async () => {
  show({ plan_commit: () => plan(rows, { decision: 'reuse', build: 'b000000000000007', base: null }) });
  expect(await screen.findByText('Already built')).toBeTruthy();
  expect(screen.getByText('no build needed')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Show the build' })).toBeTruthy();
});

it('claims no figure without data', async () => {
  const estimate = { full_ms: null, load_ms: null, incremental_ms: null, speedup: null };
  show({ plan_commit: () => plan(rows, { estimate }) });
  expect(await screen.findByText(/Not enough data/)).toBeTruthy();
});

it('says the full time while no incremental build was measured', async () => {
  const estimate = {
    full_ms: { p50: 8000, p80: 9000, samples: 1 },
    load_ms: null,
    incremental_ms: null,
    speedup: null,
  };
  show({ plan_commit: () => plan(rows, { estimate }) });
  expect(await screen.findByText('full: about 8 s')).toBeTruthy();
  expect(screen.getByText(/An incremental build was not measured yet/)).toBeTruthy();
  expect(screen.queryByText(/Not enough data/)).toBeNull();
});

it('says every candidate’s reasons and jumps to its commit', async () => {
  show();
  (await screen.findByText('Show all 7')).click();
  const reason = await screen.findByText(
    'image changed: debian:12 → debian:13; tasks[1].init changed: make → make test-deps',
  );
  reason.closest('button')?.click();
  expect(onjump).toHaveBeenCalledWith(rows[41]?.commit);
});

it('plans without Docker but offers no build', async () => {
  app.engine = noEngine;
  show({ plan_commit: () => plan(rows, { engine_checked: false }) });
  expect(await screen.findByText(/whether the images still exist is unknown/)).toBeTruthy();
  expect(screen.getByRole('button', { name: /^Build/ }).hasAttribute('disabled')).toBe(true);
});

it('joins a build that is already running', async () => {
  show({ plan_commit: () => plan(rows, { active: 'b000000000000001' }) });
  (await screen.findByRole('button', { name: 'Show the running build' })).click();
  expect(app.router.screen).toEqual({ name: 'build', build: 'b000000000000001' });
});

it('shows the problems of a recipe at their places', async () => {
  show({
    plan_commit: () => {
      throw wireError({
        code: 'config',
        message: 'the recipe cannot be used',
        problems: [
          {
            severity: 'error',
            file: '.gitpod.yml',
            line: 4,
            column: 3,
            message: 'unknown key “int”',
            hint: 'Did you mean “init”?',
            snippet: '  int: make',
          },
        ],
      });
    },
  });
  expect(await screen.findByText('The recipe cannot be used.')).toBeTruthy();
  expect(screen.getByText('.gitpod.yml:4:3')).toBeTruthy();
  expect(screen.getByText('Did you mean “init”?')).toBeTruthy();
});

it('plans the work tree only at HEAD', async () => {
  const planned = vi.fn((_: { request: BuildRequest }) => plan(rows));
  show({ plan_commit: planned as never }, 0);
  (await screen.findByRole('checkbox')).click();
  await vi.waitFor(() => expect(planned.mock.lastCall?.[0].request).toMatchObject({ dirty: true, commit: null }));
});

it('names the changed files when they are asked for, and harmless', async () => {
  const asked = vi.fn((_: { base: string; commit: string; dirty: boolean }) => changedFiles);
  show({ changed_files: asked as never });
  const summary = await screen.findByText('12 files changed');
  expect(asked).not.toHaveBeenCalled();
  summary.click();
  expect(await screen.findByText('utils/redis_init_script')).toBeTruthy();
  expect(asked.mock.calls[0]?.[0]).toMatchObject({ base: rows[3]?.commit, commit: rows[5]?.commit, dirty: false });
  expect(screen.getByText('tests/helpers/⟨202E⟩cilbup.tcl')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Copy the paths' })).toBeTruthy();
});

it('says how many changed files are not in the list', async () => {
  const [first] = changedFiles.files;
  const base = { build: 'b1', commit: rows[7]?.commit ?? '', distance: 2, changed_files: 3_005 };
  show({ changed_files: () => ({ files: [first], total: 3_000 }), plan_commit: () => plan(rows, { base }) });
  (await screen.findByText('3,005 files changed')).click();
  expect(await screen.findByText('and 2,999 more')).toBeTruthy();
  expect(screen.getByText('5 files in additional repositories')).toBeTruthy();
});

it('says why the changed files cannot be named, with a way to try again', async () => {
  show({
    changed_files: () => {
      throw wireError({ code: 'repository', message: 'the object cannot be read' });
    },
  });
  (await screen.findByText('12 files changed')).click();
  expect(await screen.findByText('The object cannot be read.')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Read again' })).toBeTruthy();
});
