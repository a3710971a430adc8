import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import { pipelineHandlers, pipelineRun, project, runs } from '../../tests/mock/pipeline';
import { handlers, type Handlers, mockEngine, wireError } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import type { RunEvent, RunRequest } from '../lib/ipc';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import RunView from './RunView.svelte';

const [running, failed, , done] = runs.map((run) => run.id);

function show(run: string | undefined, override: Handlers = {}) {
  mockEngine(handlers(20, { ...pipelineHandlers(), ...override }));
  return render(Providers, { of: RunView, having: { run } });
}
// happy-dom lays nothing out; the details need some width to stand beside the log.
Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 1200 });

const log = () => document.querySelector('[role=log]')?.textContent ?? '';
const pressed = () => document.querySelector('button.step[aria-pressed=true]')?.textContent ?? null;
const press = (key: string, shiftKey = false) => actions.press(new KeyboardEvent('keydown', { key, shiftKey }));

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  app.projects = [project];
  app.active = [];
  toasts.list = [];
  app.router.go({ name: 'runs' });
});

it('shows what ran, with which code, in which image, and how long until the first line', async () => {
  const { container } = show(done);
  await waitFor(() => expect(log()).toContain('load: line 0 <b>of the log</b>'));
  expect(container.querySelector('b'), 'a log is text').toBeNull();
  expect(screen.getAllByText('840 ms to the first line')).toBeTruthy();
  expect(screen.getAllByText('exit code 0')).toHaveLength(3);
  expect(screen.getByText('before, and reused')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Copy the image of load, train, evaluate' })).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Copy run id' })).toBeTruthy();
});

it('opens a failed run at the log of the step that failed', async () => {
  show(failed);
  expect(await screen.findByText('Step train ended with exit code 2.')).toBeTruthy();
  await waitFor(() => expect(pressed()).toContain('train'));
  await waitFor(() => expect(log()).toContain('train: line'));
  expect(log()).not.toContain('load: line');
});

it('moves through the steps by keyboard, and back to the whole log', async () => {
  show(done);
  await screen.findByText('Record');
  press('j');
  await waitFor(() => expect(pressed()).toContain('load'));
  press('j');
  await waitFor(() => expect(pressed()).toContain('train'));
  press('k');
  await waitFor(() => expect(pressed()).toContain('load'));
  press('0');
  await waitFor(() => expect(pressed()).toBeNull());
});

it('jumps to the commit, or to the one that uncommitted changes lie on', async () => {
  const jumped = vi.spyOn(app, 'showCommit').mockImplementation(() => {});
  show(running);
  expect(await screen.findByText('uncommitted changes')).toBeTruthy();
  expect(screen.getByText(/nobody can get exactly this code/)).toBeTruthy();
  press('c');
  expect(jumped).toHaveBeenCalledWith(runs[0]?.base_commit, project.id);
  jumped.mockRestore();
});

it('shows the build that comes first as long as it takes', async () => {
  let send: (event: RunEvent) => void = () => {};
  const waiting = pipelineRun({
    status: 'running',
    steps: [],
    build: null,
    first_output_ms: null,
    log_lines: 0,
  });
  show('f1', {
    watch_pipeline_run: (({ events }: { events: { onmessage: (event: RunEvent) => void } }) => {
      send = (event) => events.onmessage(event);
      send({ type: 'snapshot', run: waiting });
      send({ type: 'building', build: 'b1b1b1b1b1b1b1b1' });
      return new Promise(() => {});
    }) as never,
    read_run_log: () => ({ total: 0, lines: [] }),
  });
  expect(await screen.findByText(/Building what is missing first/)).toBeTruthy();
  expect(screen.getByText('No log yet.')).toBeTruthy();
  send({ type: 'changed', run: pipelineRun({ status: 'running' }) });
  await waitFor(() => expect(screen.queryByText(/Building what is missing first/)).toBeNull());
  send({ type: 'log', lines: [{ number: 0, step: 1, at_ms: 5, text: 'hello from the step' }] });
  await waitFor(() => expect(log()).toContain('hello from the step'));
});

it('is cancelled by key and by button, once', async () => {
  const cancelled = vi.fn(() => null);
  show(running, { cancel_pipeline_run: cancelled });
  const button = await screen.findByRole('button', { name: 'Cancel' });
  press('X', true);
  await waitFor(() => expect(button.textContent).toContain('Cancelling'));
  press('X', true);
  expect(cancelled).toHaveBeenCalledOnce();
});

it('runs the same commit with the same stack again', async () => {
  const ran = vi.fn((_: { request: RunRequest }) => 'f00d000000000009');
  show(done, { start_pipeline_run: ran as never });
  (await screen.findByRole('button', { name: /^Run again/ })).click();
  await waitFor(() => expect(ran).toHaveBeenCalledOnce());
  expect(ran.mock.calls[0]?.[0].request).toMatchObject({
    build: { project: project.id, commit: runs[3]?.commit, dirty: false, base: null, options: { stack: 'local' } },
    parameters: [],
  });
  await waitFor(() => expect(app.router.screen).toEqual({ name: 'run', run: 'f00d000000000009' }));
});

it('is deleted only after asking, and not while it goes on', async () => {
  const deleted = vi.fn((_: { run: string }) => null);
  const { unmount } = show(running, { delete_pipeline_run: deleted as never });
  await screen.findByRole('button', { name: 'Cancel' });
  press('Delete');
  expect(screen.queryByRole('dialog')).toBeNull();
  unmount();
  show(done, { delete_pipeline_run: deleted as never });
  await screen.findByText('Record');
  press('Delete');
  await screen.findByRole('dialog');
  expect(deleted).not.toHaveBeenCalled();
  await fireEvent.click(screen.getByRole('button', { name: 'Delete' }));
  await waitFor(() => expect(deleted).toHaveBeenCalledWith({ run: done }));
  await waitFor(() => expect(app.router.screen).toEqual({ name: 'runs' }));
});

it('says when there is no such run, with a way out', async () => {
  show('gone', {
    watch_pipeline_run: () => {
      throw wireError({ code: 'not_found', message: 'there is no such run' });
    },
  });
  expect(await screen.findByText('There is no such run.')).toBeTruthy();
  screen.getByRole('button', { name: 'Show all runs' }).click();
  expect(app.router.screen).toEqual({ name: 'runs' });
});
