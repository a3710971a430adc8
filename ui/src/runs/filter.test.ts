import { expect, it } from 'vitest';
import { allRuns, isFilteredRuns, toRunFilter } from './filter';

it.each([
  ['', null],
  ['  ', null],
  ['train', 'startswith:train'],
  ['startswith:tr', 'startswith:tr'],
  ['startswith:', null],
  ['"training"', 'training'],
])('asks for the pipeline typed as %j', (pipeline, asked) => {
  expect(toRunFilter({ ...allRuns, pipeline }, 50).pipeline).toBe(asked);
});

it('asks for everything when nothing is chosen', () => {
  expect(toRunFilter(allRuns, 50)).toEqual({ project: null, pipeline: null, status: [], stack: null, limit: 50 });
  expect(isFilteredRuns(allRuns)).toBe(false);
  expect(isFilteredRuns({ ...allRuns, status: 'failed' })).toBe(true);
});
