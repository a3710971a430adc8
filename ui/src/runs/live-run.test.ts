import { describe, expect, it, vi } from 'vitest';
import { logLines, pipelineRun } from '../../tests/mock/pipeline';
import { mockEngine, wireError } from '../../tests/mock/world';
import type { RunEvent } from '../lib/ipc';
import { LiveRun, runLog, RunWatch } from './live-run.svelte';

const waiting = pipelineRun({
  status: 'running',
  log_lines: 0,
  steps: pipelineRun().steps.map((step) => ({ ...step, status: 'pending', started_at: null, exit_code: null })),
});
const begun = { ...waiting, steps: pipelineRun().steps };

describe('a run', () => {
  it('shows the build that comes first until a step begins', () => {
    const live = new LiveRun();
    live.apply({ type: 'snapshot', run: waiting });
    expect(live.building).toBeNull();
    live.apply({ type: 'building', build: 'b1' });
    live.apply({ type: 'changed', run: waiting });
    expect(live.building).toBe('b1');
    live.apply({ type: 'changed', run: begun });
    expect(live.building).toBeNull();
  });

  it('shows no build of one that ended while it built', () => {
    const live = new LiveRun();
    live.apply({ type: 'snapshot', run: waiting });
    live.apply({ type: 'building', build: 'b1' });
    live.apply({ type: 'finished', run: { ...waiting, status: 'failed' } });
    expect([live.building, live.active, live.finished]).toEqual([null, false, true]);
  });

  it('counts lines and passes them on while somebody listens', () => {
    const live = new LiveRun();
    live.apply({ type: 'snapshot', run: { ...begun, log_lines: 3 } });
    const heard = vi.fn();
    const stop = live.onLog(heard);
    const lines = logLines(pipelineRun()).slice(3, 6);
    live.apply({ type: 'log', lines });
    stop();
    live.apply({ type: 'log', lines });
    live.apply({ type: 'log', lines: [] });
    expect(heard).toHaveBeenCalledOnce();
    expect(live.logLines).toBe(6);
  });
});

it('is watched until the screen goes, and asked for again only when it has ended', async () => {
  const asked = vi.fn(() => pipelineRun());
  let send: (event: RunEvent) => void = () => {};
  mockEngine({
    get_pipeline_run: asked,
    watch_pipeline_run: (({ events }: { events: { onmessage: (event: RunEvent) => void } }) => {
      send = (event) => events.onmessage(event);
      send({ type: 'snapshot', run: begun });
      return new Promise(() => {});
    }) as never,
  });
  const watch = new RunWatch('f1');
  const stop = watch.start();
  await expect.poll(() => watch.live.run).toBeTruthy();
  await watch.refresh();
  expect(asked).not.toHaveBeenCalled();
  send({ type: 'finished', run: pipelineRun() });
  await watch.refresh();
  expect(asked).toHaveBeenCalledOnce();
  stop();
  send({ type: 'changed', run: waiting });
  expect(watch.live.run?.status).toBe('succeeded');
});

it('says why it cannot be watched, and tries again', async () => {
  let tries = 0;
  mockEngine({
    watch_pipeline_run: () => {
      tries += 1;
      throw wireError({ code: 'not_found', message: 'there is no such run' });
    },
  });
  const watch = new RunWatch('f1');
  watch.start();
  await expect.poll(() => watch.failure?.message).toBe('there is no such run');
  watch.retry();
  await expect.poll(() => tries).toBe(2);
});

it('is searched within one step or in all', async () => {
  const all = logLines(pipelineRun());
  mockEngine({
    read_run_log: (({ step, from, count }: { step: number | null; from: number; count: number }) => {
      const lines = all
        .filter((line) => step === null || line.step === step)
        .map((line, number) => ({ ...line, number }));
      return { total: lines.length, lines: lines.slice(from, from + count) };
    }) as never,
  });
  const log = runLog('f1', new LiveRun());
  expect(await log.find(null, 'LINE 31 ')).toEqual([31]);
  expect(await log.find(2, 'line 31 ')).toEqual([1]);
});
