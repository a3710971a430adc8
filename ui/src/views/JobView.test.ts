import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import { dataHandlers, datums, failed, job, jobs, running } from '../../tests/mock/data';
import { handlers, type Handlers, mockEngine, wireError } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import type { DatumFilter, JobEvent } from '../lib/ipc';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import JobView from './JobView.svelte';

function show(id: string, override: Handlers = {}) {
  mockEngine(handlers(20, dataHandlers(override)));
  return render(Providers, { of: JobView, having: { job: id } });
}
// happy-dom lays nothing out; the details need some width to stand beside the log.
Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 1200 });

const log = () => document.querySelector('[role=log]')?.textContent ?? '';
const chosen = () => document.querySelector('[role=option][aria-selected=true]')?.textContent ?? null;
const press = (key: string, shiftKey = false) => actions.press(new KeyboardEvent('keydown', { key, shiftKey }));

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  toasts.list = [];
  app.router.go({ name: 'runs' });
});

it('opens a failed job at its first failed datum, with its files, its attempts and its log', async () => {
  const { container } = show(failed.id);
  await waitFor(() => expect(chosen()).toContain('/page-017.html'));
  expect(chosen()).toContain('exit code 2, 3 attempts');
  await waitFor(() => expect(log()).toContain('no title in the page'));
  expect(log(), 'only the log of that datum').not.toContain('datum 40');
  expect(container.querySelector('[role=log] i'), 'a log is text').toBeNull();
  expect(screen.getByRole('region', { name: 'Datum 18' }).textContent).toContain('/page-017.html');
  expect(screen.getByText('Exit code 2 after 3 attempts.')).toBeTruthy();
  expect(screen.getAllByRole('option')).toHaveLength(3);
});

it('lists the datums of one state, and those with a path', async () => {
  const asked: DatumFilter[] = [];
  const listed = dataHandlers().list_datums as (args: unknown) => unknown;
  show(failed.id, {
    list_datums: ((args: { filter: DatumFilter }) => {
      asked.push(args.filter);
      return listed(args);
    }) as never,
  });
  await waitFor(() => expect(screen.getAllByRole('option')).toHaveLength(3));
  await fireEvent.click(screen.getByRole('button', { name: 'All 240' }));
  await waitFor(() => expect(screen.getByText('240 datums', { selector: '.found' })).toBeTruthy());
  await fireEvent.input(screen.getByRole('textbox', { name: 'Search by path' }), { target: { value: 'page-10' } });
  await waitFor(() => expect(screen.getAllByRole('option')).toHaveLength(10));
  expect(asked.at(-1)).toMatchObject({ states: [], path: 'page-10' });
  await fireEvent.click(screen.getByRole('button', { name: 'Failed 3' }));
  await waitFor(() => expect(screen.getAllByRole('option'), 'what was typed stays').toHaveLength(1));
});

it('goes through the datums by keys, and back to the whole log', async () => {
  show(failed.id);
  await waitFor(() => expect(chosen()).toContain('/page-017.html'));
  press('j');
  await waitFor(() => expect(chosen()).toContain('/page-040.html'));
  await waitFor(() => expect(log()).toContain('datum 40: line 0'));
  press('k');
  await waitFor(() => expect(chosen()).toContain('/page-017.html'));
  press('0');
  await waitFor(() => expect(chosen()).toBeNull());
});

it('shows how far a running job is, how fast, and what each worker does', async () => {
  let send: (event: JobEvent) => void = () => {};
  show(running.id, {
    watch_job: (({ events }: { events: { onmessage: (event: JobEvent) => void } }) => {
      send = (event) => events.onmessage(event);
      send({ type: 'snapshot', job: running });
      return new Promise(() => {});
    }) as never,
  });
  const bar = await screen.findByRole('progressbar', { name: 'Datums that are done' });
  expect(bar.getAttribute('aria-valuenow')).toBe('196');
  expect(screen.getByRole('button', { name: 'Waiting 42' })).toBeTruthy();
  expect(screen.getByRole('list', { name: 'Workers' }).textContent).toMatch(/#1 datum 197.*#3 waits/);
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2000);
  send({ type: 'changed', job: { ...running, processed: 94 } });
  expect(await screen.findByText(/\d+ datums\/s, about .* left/)).toBeTruthy();
  now.mockRestore();
  send({ type: 'finished', job: job({ id: running.id, total: 240, processed: 120, reused: 120 }) });
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Cancel' })).toBeNull());
  expect(screen.queryByRole('button', { name: /^Retry/ }), 'what succeeded is not retried').toBeNull();
});

it('keeps the selected datum up to date when it leaves the list', async () => {
  let send: (event: JobEvent) => void = () => {};
  let done = false;
  const one = { ...datums[196]!, state: 'running' as const };
  show(running.id, {
    watch_job: (({ events }: { events: { onmessage: (event: JobEvent) => void } }) => {
      send = (event) => events.onmessage(event);
      send({ type: 'snapshot', job: running });
      return new Promise(() => {});
    }) as never,
    list_datums: (({ filter }: { filter: DatumFilter }) => {
      const now = done ? { ...one, state: 'processed' as const, attempts: 1, exit_code: 0 } : one;
      const listed = filter.states?.length && !filter.states.includes(now.state) ? [] : [now];
      return { total: listed.length, datums: listed };
    }) as never,
  });
  await fireEvent.click(await screen.findByRole('button', { name: 'Running 2' }));
  await fireEvent.click(await screen.findByRole('option'));
  expect(screen.getByRole('region', { name: 'Datum 197' }).textContent).toContain('running');
  done = true;
  send({ type: 'changed', job: { ...running, processed: 75 } });
  await waitFor(() => expect(screen.getByRole('region', { name: 'Datum 197' }).textContent).toContain('processed'), {
    timeout: 3000,
  });
  expect(screen.getByText('No datum matches.')).toBeTruthy();
});

it('is cancelled by key and by button, once', async () => {
  const cancelled = vi.fn(() => null);
  show(running.id, { cancel_job: cancelled });
  const button = await screen.findByRole('button', { name: 'Cancel' });
  press('X', true);
  await waitFor(() => expect(button.textContent).toContain('Cancelling'));
  press('X', true);
  expect(cancelled).toHaveBeenCalledOnce();
});

it('retries, and goes to the new job', async () => {
  show(failed.id);
  (await screen.findByRole('button', { name: /^Retry/ })).click();
  await waitFor(() => expect(app.router.screen).toEqual({ name: 'job', job: running.id }));
});

it('leads to what it read and what it wrote', async () => {
  show(jobs[1]!.id);
  (await screen.findByRole('button', { name: 'map@master d1d1d1d' })).click();
  expect(app.router.screen).toMatchObject({ name: 'data-repo', repo: 'map', commit: 'd1'.repeat(16), stack: 'local' });
  screen.getByRole('button', { name: 'scraper@master c1c1c1c' }).click();
  expect(app.router.screen).toMatchObject({ name: 'data-repo', repo: 'scraper', commit: 'c1'.repeat(16) });
});

it('says when there is no such job, with a way out', async () => {
  show('gone', {
    watch_job: () => {
      throw wireError({ code: 'not_found', message: 'there is no such job' });
    },
  });
  expect(await screen.findByText('There is no such job.')).toBeTruthy();
  screen.getByRole('button', { name: 'Show all pipelines' }).click();
  expect(app.router.screen).toEqual({ name: 'data', tab: 'pipelines' });
});
