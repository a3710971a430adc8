import { emit } from '@tauri-apps/api/event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { handlers, type Handlers, mockEngine, plan, wireError } from '../../../tests/mock/world';
import { graph } from '../../../tests/mock/graph';
import { App } from './app.svelte';
import { toasts } from './toasts.svelte';

const rows = graph(50);
let asked: string[];
let stop = () => {};

function engine(override: Handlers = {}) {
  asked = [];
  const answers = handlers(50, override);
  mockEngine(
    Object.fromEntries(
      Object.entries(answers).map(([name, f]) => [name, (args: never) => (asked.push(name), f(args))]),
    ),
  );
}

async function started(override: Handlers = {}): Promise<App> {
  engine(override);
  const app = new App();
  stop = app.start();
  await vi.waitFor(() => expect(app.projects).toBeDefined());
  return app;
}

beforeEach(() => (toasts.list = []));
afterEach(() => stop());

it('loads projects, queue, inbox and settings', async () => {
  const app = await started();
  await vi.waitFor(() => expect(app.settings).toBeDefined());
  expect(app.project?.name).toBe('redis');
  expect(app.active.map((build) => build.status)).toEqual(['running', 'queued']);
  expect(app.unread).toBe(2);
});

it('looks once for many changes at once', async () => {
  const app = await started();
  const before = app.revision;
  asked = [];
  for (let i = 0; i < 20; i++) await emit('catalogue-changed', null);
  await vi.waitFor(() => expect(app.revision).toBe(before + 1));
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(asked.filter((name) => name === 'list_projects')).toHaveLength(1);
});

it('shows the build a notification was clicked for, and marks it read', async () => {
  const app = await started();
  await emit('open-build', { build: 'b000000000000007' });
  await vi.waitFor(() => expect(app.router.screen).toEqual({ name: 'build', build: 'b000000000000007' }));
  expect(app.unread).toBe(1);
});

it('says that nothing was built when a build could be reused, and stays', async () => {
  const app = await started();
  const request = { project: 'p', commit: null, dirty: false, full: false, no_cache: false, base: null };
  await app.build(request, plan(rows, { decision: 'reuse' }));
  expect(app.router.screen.name).toBe('history');
  expect(toasts.list[0]?.text).toMatch(/^Nothing to build/);
  await app.build({ ...request, full: true }, plan(rows, { decision: 'reuse' }));
  expect(app.router.screen.name).toBe('build');
});

it('takes settings back that could not be stored', async () => {
  const app = await started({
    set_settings: () => {
      throw wireError({ message: 'the disk is full', hint: 'Make room and try again.' });
    },
  });
  await vi.waitFor(() => expect(app.settings).toBeDefined());
  if (app.settings) await app.saveSettings({ ...app.settings, theme: 'dark' });
  expect(app.theme).toBe('system');
  expect(toasts.list.at(-1)).toMatchObject({ tone: 'fail', text: 'The disk is full. Make room and try again.' });
});

it('falls back to the first project when the chosen one is gone', async () => {
  localStorage.setItem('headstart.project', 'gone');
  const app = await started();
  expect(app.project?.name).toBe('redis');
});
