import { describe, expect, it } from 'vitest';

import { build, step } from '../../tests/samples';
import { axis, niceStep, ordered, rows, splitName } from './timeline';

describe('rows of the timeline', () => {
  it('nest tasks under their step', () => {
    const list = ordered([step(1), step(2), step(3, { parent: 1 }), step(4, { parent: 3 })]);
    expect(list.map(({ step, depth }) => [step.number, depth])).toEqual([
      [1, 0],
      [3, 1],
      [4, 2],
      [2, 0],
    ]);
  });

  it('follow the clock, and what has not started comes last by number', () => {
    const list = ordered([
      step(1),
      step(2, { started_at: 900 }),
      step(3, { started_at: 100 }),
      step(4),
      step(5, { started_at: 100 }),
    ]);
    expect(list.map(({ step }) => step.number)).toEqual([3, 5, 2, 1, 4]);
  });

  it('show every step, even with an unknown parent or in a circle', () => {
    const list = ordered([
      step(1, { parent: 9 }),
      step(2, { parent: 3 }),
      step(3, { parent: 2 }),
      step(4, { parent: 4 }),
    ]);
    expect(list.map(({ step }) => step.number).sort()).toEqual([1, 2, 3, 4]);
  });

  it('place bars by start and duration, and let running ones reach to now', () => {
    const [a, b, c] = rows(
      [
        step(1, { started_at: 1000, duration_ms: 500, status: 'done' }),
        step(2, { started_at: 1500, status: 'running' }),
        step(3),
      ],
      1000,
      2000,
      2500,
    );
    expect(a?.bar).toEqual({ left: 0, width: 0.25 });
    expect(b?.bar).toEqual({ left: 0.25, width: 0.5 });
    expect(c?.bar).toBeNull();
  });

  it('keep bars on the axis when clocks disagree', () => {
    const [a] = rows([step(1, { started_at: 500, duration_ms: 9999, status: 'done' })], 1000, 2000, 2500);
    expect(a?.bar).toEqual({ left: 0, width: 1 });
  });
});

describe('the axis', () => {
  it('reaches to the expected end while running, and beyond when late', () => {
    expect(axis(build(), 1000, true)).toMatchObject({ length: 5200, expected: 5000 / 5200 });
    expect(axis(build(), 10_000, true).expected).toBeCloseTo(5000 / 10_400);
  });

  it('drops a far-off expectation once the build is over', () => {
    expect(axis(build({ expected_ms: 60_000 }), 2000, false).expected).toBeNull();
  });

  it('has round marks, never crowded', () => {
    for (const length of [80, 900, 5300, 46_000, 200_000, 3_600_000, 90_000_000]) {
      const marks = length / niceStep(length);
      expect(marks).toBeLessThanOrEqual(7);
    }
    expect(niceStep(46_000)).toBe(10_000);
  });
});

describe('step names', () => {
  it.each([
    ['[stage-0 2/5] RUN make', 'stage-0 2/5', 'RUN make'],
    ['[internal] load build definition', 'internal', 'load build definition'],
    ['exporting to image', null, 'exporting to image'],
    ['[not a place', null, '[not a place'],
  ])('%s', (name, place, what) => {
    expect(splitName(name)).toEqual({ place, what });
  });
});
