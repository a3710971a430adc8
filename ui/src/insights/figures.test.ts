import { describe, expect, it } from 'vitest';

import { accuracy, accuracyWords, realityWords, roundWords, totals } from './figures';

const one = (expected_ms: number, duration_ms: number) => ({ build: 'b', expected_ms, duration_ms });

describe('figures', () => {
  it('subtract the misses', () => {
    expect(
      totals([
        { week_at: 0, saved_ms: 5000, builds: 2 },
        { week_at: 1, saved_ms: -1200, builds: 1 },
        { week_at: 2, saved_ms: 0, builds: 0 },
      ]),
    ).toEqual({ saved: 3800, builds: 3, weeks: 2 });
  });

  it('say how well estimates held', () => {
    const found = accuracy([one(1000, 1000), one(1000, 1100), one(1000, 3000), one(0, 5)]);
    expect(found?.median).toBeCloseTo(1.1);
    expect(found?.close).toBeCloseTo(2 / 3);
    expect(accuracy([one(100, 100), one(100, 120)])?.median).toBeCloseTo(1.1);
    expect(accuracy([])).toBeNull();
  });

  it('are no percentages before the fifth build', () => {
    const builds = (count: number) => Array.from({ length: count }, () => one(1000, 1300));
    expect(realityWords([])).toBeNull();
    expect(realityWords(builds(1))).toBe('1 build compared so far; too few to say how well estimates hold');
    expect(realityWords([...builds(4), one(0, 5)])).toMatch(/^4 builds compared so far/);
    expect(realityWords(builds(5))).toMatch(/^Builds take 30 % longer than expected; 0.% within a quarter$/);
  });

  it('label an axis without digits that say nothing', () => {
    expect([100, 5000, 30_000, 60_000, 3_125_000, 7_200_000, -60_000].map(roundWords)).toEqual([
      '100 ms',
      '5 s',
      '30 s',
      '1 min',
      '52 min',
      '2 h',
      '−1 min',
    ]);
  });

  it('are put in words', () => {
    expect(accuracyWords({ median: 1.02, close: 1 })).toBe('Estimates are about right');
    expect(accuracyWords({ median: 1.3, close: 0 })).toBe('Builds take 30 % longer than expected');
    expect(accuracyWords({ median: 0.8, close: 0 })).toBe('Builds are 20 % faster than expected');
  });
});
