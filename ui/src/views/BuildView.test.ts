import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';

import { buildHandlers, shown } from '../../tests/mock/builds';
import { pipelineBuilds, pipelineHandlers, project as pipelineProject } from '../../tests/mock/pipeline';
import { handlers, type Handlers, mockEngine } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import type { Build, BuildEvent } from '../lib/ipc';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import { runChoicesOf } from '../pipeline/choices.svelte';
import BuildView from './BuildView.svelte';

function show(build: string, override: Handlers = {}) {
  mockEngine(handlers(50, { ...buildHandlers(), ...override }));
  return render(Providers, { of: BuildView, having: { build } });
}
// happy-dom lays nothing out; the details need some width to stand beside the log.
Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 1200 });

// Queries by role are slow on a screen this full.
const one = (selector: string) => document.querySelector(selector);
const chosen = () => one('[role=option][aria-selected=true]');
const log = () => one('[role=log]');
const press = (key: string, target: Element | Window = window) => fireEvent.keyDown(target, { key });

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  // What App.svelte does for every key.
  const onkeydown = (event: KeyboardEvent) => actions.press(event);
  window.addEventListener('keydown', onkeydown);
  return () => window.removeEventListener('keydown', onkeydown);
});

it('opens a failed build at the last lines of the step that failed', async () => {
  show(shown.failed);
  expect(await screen.findByText('Failed at')).toBeTruthy();
  expect(chosen()?.getAttribute('aria-label')).toContain('make -j2 BUILD_TLS=yes, failed, exit code 2');
  await waitFor(() => expect(log()?.textContent).toContain('make: *** [Makefile:6: all] Error 2'));
  expect(screen.queryByText('inside the image'), 'there is no image').toBeNull();
});

it('shows what a log says as text, whatever it says', async () => {
  const { container } = show(shown.done);
  await waitFor(() => expect(log()?.textContent).toContain('<img src=x onerror=alert(1)>'));
  expect(container.querySelector('img')).toBeNull();
  expect(log()?.textContent).toContain('⟨U+202E⟩gnp.exe');
});

it('moves through the steps by keyboard and shows the log of each', async () => {
  const read = vi.fn(() => ({ total: 0, lines: [] }));
  show(shown.done, { read_log: read });
  await screen.findByText('Why this way');
  const list = one('[role=listbox]') as Element;
  await press('ArrowDown', list);
  await press('j', list);
  expect(chosen()?.getAttribute('aria-label')).toContain('load metadata');
  await waitFor(() => expect(read).toHaveBeenLastCalledWith(expect.objectContaining({ step: 2 })));
  await press('Escape', list);
  expect(chosen()).toBeNull();
});

function running(elapsed: number) {
  return ({ build, events }: { build: string; events: { onmessage: (event: BuildEvent) => void } }) => {
    const record = (buildHandlers().get_build as (args: { build: string }) => Build)({ build });
    const now = record.started_at ?? 0;
    events.onmessage({ type: 'snapshot', build: record, now: now + elapsed });
    return new Promise(() => {});
  };
}

it('cancels at once what is young, and asks about what is old', async () => {
  const cancel = vi.fn(() => null);
  const young = show(shown.running, { watch_build: running(3000), cancel_build: cancel });
  await screen.findByText('Cancel');
  await fireEvent.keyDown(window, { key: 'X', shiftKey: true });
  expect(cancel).toHaveBeenCalledTimes(1);
  expect(screen.getByText('Cancelling…')).toBeTruthy();
  young.unmount();

  show(shown.running, { watch_build: running(600_000), cancel_build: cancel });
  await screen.findByText('Cancel');
  await fireEvent.keyDown(window, { key: 'X', shiftKey: true });
  await fireEvent.click(await screen.findByText('Cancel the build'));
  expect(cancel).toHaveBeenCalledTimes(2);
});

it('says when there is nothing to build, and offers to build in full', async () => {
  const start = vi.fn(() => shown.done);
  show(shown.done, { start_build: start });
  await screen.findByText('Why this way');
  await press('b');
  await waitFor(() => expect(start).toHaveBeenCalledWith({ request: expect.objectContaining({ full: false }) }));
  expect(app.router.screen.name, 'it stays where it is').not.toBe('build');
});

it('takes a pin back when the engine refuses', async () => {
  show(shown.done, {
    pin_build: () =>
      Promise.reject({ code: 'internal', message: 'the catalogue is busy', hint: null, detail: null, problems: [] }),
  });
  await screen.findByText('Why this way');
  const pin = one('[aria-label^=Pin]');
  await press('p');
  await waitFor(() => expect(pin?.getAttribute('aria-pressed')).toBe('false'));
});

it('says who made a build of a pipeline, and runs in its images', async () => {
  app.projects = [pipelineProject];
  runChoicesOf(pipelineProject.id).reset();
  const [made] = pipelineBuilds;
  show(made!.id, {
    ...pipelineHandlers(),
    watch_build: (({ events }: { events: { onmessage: (event: BuildEvent) => void } }) => {
      events.onmessage({ type: 'finished', build: made as Build });
      return null;
    }) as never,
  });
  expect((await screen.findAllByText('ana@lab-7')).length).toBeGreaterThan(0);
  expect(screen.getByText('delivered separately')).toBeTruthy();
  screen.getByRole('button', { name: /^Use this build/ }).click();
  expect(runChoicesOf(pipelineProject.id).base).toBe(made!.id);
  expect(app.router.screen).toEqual({ name: 'history' });
});
