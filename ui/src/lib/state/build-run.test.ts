import { describe, expect, it } from 'vitest';

import { build, step } from '../../../tests/samples';
import { BuildRun, phasesSoFar } from './build-run.svelte';

const line = (number: number) => ({ number, step: 1, at_ms: 0, text: '' });

describe('a build as it happens', () => {
  it('goes from snapshot to end', () => {
    const run = new BuildRun();
    run.apply({ type: 'snapshot', build: build({ steps: [step(2), step(1)] }), now: 2000 });
    expect(run.steps.map((s) => s.number)).toEqual([1, 2]);
    expect(run.elapsed).toBe(1000);
    run.apply({
      type: 'steps',
      steps: [step(2, { status: 'running', started_at: 1500 }), step(3, { cached: true, status: 'done' })],
    });
    expect(run.steps.map((s) => s.status)).toEqual(['pending', 'running', 'done']);
    expect([run.cached, run.done, run.current.length]).toEqual([1, 1, 1]);
    run.apply({ type: 'changed', build: build({ pinned: true }) });
    expect(run.steps, 'a change brings no steps and takes none away').toHaveLength(3);
    run.apply({ type: 'finished', build: build({ status: 'succeeded', duration_ms: 4200, steps: [step(1)] }) });
    expect([run.finished, run.active, run.elapsed, run.progress]).toEqual([true, false, 4200, 1]);
    expect(run.steps).toHaveLength(1);
  });

  it('loses nothing when the window reloads: a new snapshot replaces what was known', () => {
    const run = new BuildRun();
    run.apply({ type: 'snapshot', build: build({ log_lines: 7, steps: [step(1)] }), now: 1500 });
    run.apply({ type: 'snapshot', build: build({ log_lines: 9, steps: [step(1), step(2)] }), now: 1700 });
    expect([run.steps.length, run.logLines]).toEqual([2, 9]);
  });

  it('counts log lines and passes them on until nobody listens', () => {
    const run = new BuildRun();
    run.apply({ type: 'snapshot', build: build({ log_lines: 3 }), now: 1500 });
    const heard: number[] = [];
    const stop = run.onLog((lines) => heard.push(...lines.map((l) => l.number)));
    run.apply({ type: 'log', lines: [line(3), line(4)] });
    stop();
    run.apply({ type: 'log', lines: [line(5)] });
    run.apply({ type: 'log', lines: [] });
    expect([heard, run.logLines]).toEqual([[3, 4], 6]);
  });

  it('moves its clock only while active', () => {
    const run = new BuildRun();
    run.apply({ type: 'snapshot', build: build(), now: 1000 });
    run.tick(500);
    expect(run.elapsed).toBe(500);
    run.apply({ type: 'finished', build: build({ status: 'failed', duration_ms: 600 }) });
    run.tick(500);
    expect(run.elapsed).toBe(600);
  });

  it('never claims to be done before the end, and says how late it is', () => {
    const run = new BuildRun();
    run.apply({ type: 'snapshot', build: build(), now: 3500 });
    expect(run.progress).toBe(0.5);
    expect(run.expectedEnd).toBe(6000);
    run.tick(10_000);
    expect(run.progress).toBe(0.98);
    expect(run.overdue).toBe(7500);
  });

  it('has no expectation without data, and no elapsed time in the queue', () => {
    const run = new BuildRun();
    run.apply({ type: 'snapshot', build: build({ status: 'queued', started_at: null, expected_ms: null }), now: 3500 });
    expect([run.elapsed, run.progress, run.expectedEnd, run.overdue]).toEqual([null, null, null, 0]);
  });

  it('counts no step as done that failed or was cut off', () => {
    const run = new BuildRun();
    const steps = [step(1, { status: 'done' }), step(2, { status: 'failed' }), step(3, { status: 'cancelled' })];
    run.apply({ type: 'snapshot', build: build({ status: 'interrupted', steps }), now: 2000 });
    expect([run.done, run.steps.length]).toEqual([1, 3]);
  });

  it('measures running steps by the engine clock', () => {
    const run = new BuildRun();
    run.apply({ type: 'snapshot', build: build(), now: 4000 });
    expect(run.stepDuration(step(1, { status: 'running', started_at: 1500, duration_ms: 100 }))).toBe(2500);
    expect(run.stepDuration(step(1, { status: 'done', duration_ms: 100 }))).toBe(100);
  });
});

describe('phases', () => {
  const sum = (phases: { duration_ms: number }[]) => phases.reduce((all, p) => all + p.duration_ms, 0);

  it('add up to the elapsed time, parallel work counted once and gaps as other', () => {
    const steps = [
      step(1, { phase: 'resolve', status: 'done', started_at: 1000, duration_ms: 400 }),
      step(2, { phase: 'context', status: 'done', started_at: 1200, duration_ms: 300 }),
      step(3, { phase: 'steps', status: 'running', started_at: 2000 }),
      step(4, { phase: 'steps', parent: 3, status: 'running', started_at: 2000 }),
    ];
    const phases = phasesSoFar(steps, 1000, 3000, 4000);
    expect(phases).toEqual([
      { phase: 'resolve', duration_ms: 200 },
      { phase: 'context', duration_ms: 300 },
      { phase: 'steps', duration_ms: 2000 },
      { phase: 'other', duration_ms: 500 },
    ]);
    expect(sum(phases)).toBe(3000);
  });

  it('prefers what the engine added up', () => {
    const run = new BuildRun();
    const phases = [{ phase: 'push' as const, duration_ms: 7 }];
    run.apply({ type: 'snapshot', build: build({ status: 'succeeded', phases }), now: 1 });
    expect(run.phases).toEqual(phases);
  });

  it('are empty in the queue', () => {
    expect(phasesSoFar([], null, null, 0)).toEqual([]);
  });
});
