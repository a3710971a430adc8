import { expect, it } from 'vitest';
import { graph } from '../../tests/mock/graph';
import { plan } from '../../tests/mock/world';
import { about, expectation, headline, onlyFull, origin } from './words';

const rows = graph(100);

it('says where an incremental build starts and what that saves', () => {
  const incremental = plan(rows);
  expect(headline(incremental)).toBe('Incremental');
  expect(origin(incremental)).toMatch(/^on [0-9a-f]{7} · 3 back · 12 files$/);
  expect(expectation(incremental)).toMatchObject({ takes_ms: 5300, instead_ms: 46_200, saves_ms: 40_900 });
});

it('takes nothing when a build can be reused', () => {
  const reuse = plan(rows, { decision: 'reuse', base: null });
  expect(origin(reuse)).toBeNull();
  expect(expectation(reuse)).toMatchObject({ takes_ms: 0, saves_ms: 46_200 });
});

it('claims nothing without data', () => {
  const estimate = { full_ms: null, load_ms: null, incremental_ms: null, speedup: null };
  expect(expectation(plan(rows, { estimate }))).toBeNull();
  expect(expectation(plan(rows, { decision: 'full', estimate }))).toBeNull();
  expect(expectation(plan(rows, { decision: 'reuse', estimate }))?.saves_ms).toBeNull();
});

it('knows the full time alone, where only that was measured', () => {
  const estimate = {
    full_ms: { p50: 8000, p80: 9000, samples: 1 },
    load_ms: null,
    incremental_ms: null,
    speedup: null,
  };
  expect(onlyFull(plan(rows, { estimate }))).toBe(8000);
  expect(onlyFull(plan(rows, { decision: 'full', estimate }))).toBeNull();
  expect(onlyFull(plan(rows))).toBeNull();
});

it('promises no saving when the incremental build is no faster', () => {
  const estimate = {
    full_ms: { p50: 4000, p80: 5000, samples: 3 },
    load_ms: null,
    incremental_ms: { p50: 5000, p80: 6000, samples: 3 },
    speedup: 0.8,
  };
  expect(expectation(plan(rows, { estimate }))?.saves_ms).toBeNull();
});

it('rounds estimates to seconds', () => {
  expect(about(5300)).toBe('about 5 s');
  expect(about(46_200)).toBe('about 46 s');
  expect(about(420)).toBe('about 420 ms');
});
