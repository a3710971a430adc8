import { describe, expect, it, vi } from 'vitest';
import { dataHandlers, failed, job, jobLines, running } from '../../tests/mock/data';
import { mockEngine } from '../../tests/mock/world';
import { jobLog, JobWatch, LiveJob } from './live-job.svelte';
import { perSecond, sampled } from './rate';

describe('a job', () => {
  it('tells its pace from how its counts change, without what was reused', () => {
    const live = new LiveJob();
    live.apply({ type: 'snapshot', job: { ...running, processed: 0, reused: 0, rescued: 0 } }, 0);
    expect(live.rate, 'one moment has no pace').toBeNull();
    live.apply({ type: 'changed', job: { ...running, processed: 0, reused: 120, rescued: 0 } }, 1000);
    expect(live.rate).toBeNull();
    live.apply({ type: 'changed', job: { ...running, processed: 9, reused: 120, rescued: 1 } }, 2000);
    expect(live.rate).toBe(5);
    expect(live.left).toBe(110);
    live.apply({ type: 'finished', job: job() }, 3000);
    expect([live.rate, live.active, live.finished]).toEqual([null, false, true]);
  });

  it('counts lines and passes them on while somebody listens', () => {
    const live = new LiveJob();
    live.apply({ type: 'snapshot', job: { ...running, log_lines: 3 } });
    const heard = vi.fn();
    const stop = live.onLog(heard);
    const lines = jobLines(running).slice(3, 6);
    live.apply({ type: 'log', lines });
    stop();
    live.apply({ type: 'log', lines });
    expect(heard).toHaveBeenCalledOnce();
    expect(live.logLines).toBe(6);
  });
});

it('a pace is that of the last half minute, and begins anew when a job does', () => {
  let samples = sampled([], 0, 0);
  samples = sampled(samples, 20_000, 1000);
  samples = sampled(samples, 45_000, 1025);
  expect(perSecond(samples), 'the quick beginning is forgotten').toBe(1);
  expect(perSecond(sampled(samples, 46_000, 3)), 'counts that fall are another run').toBeNull();
  expect(perSecond(sampled([{ at: 0, done: 1 }], 90_000, 91)), 'a slow one still has a pace').toBe(1);
});

it('is watched, and its log is read whole or of one datum', async () => {
  mockEngine(dataHandlers());
  const watch = new JobWatch(failed.id);
  watch.start();
  await expect.poll(() => watch.live.finished).toBe(true);
  const log = jobLog(failed.id, watch.live, () => ({ place: 17, title: '/page-017.html' }));
  expect([log.active, log.failed, log.steps]).toEqual([false, true, [{ number: 18, name: '/page-017.html' }]]);
  expect((await log.read(18, 0, 100)).total).toBe(12);
  expect(await log.find(18, 'NO TITLE')).toEqual([11]);
  expect(await log.find(null, 'no title')).toEqual([11, 23, 35]);
});
