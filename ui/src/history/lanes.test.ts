import { expect, it } from 'vitest';
import type { GraphRow } from '../lib/ipc';
import { arcPath, graphWidth, lanePaths, laneX } from './lanes';

const row = (edges: GraphRow['edges']) => ({ edges }) as GraphRow;

it('draws one path per colour, straight within a lane and bent between lanes', () => {
  const paths = lanePaths(
    [
      row([{ from: 0, to: 0, color: 0 }]),
      row([
        { from: 0, to: 0, color: 0 },
        { from: 0, to: 1, color: 1 },
      ]),
    ],
    2,
  );
  expect(paths.map((path) => path.color)).toEqual(['var(--lane-0)', 'var(--lane-1)']);
  expect(paths[0]?.d).toBe('M14 14V42M14 42V70');
  expect(paths[1]?.d).toMatch(/^M14 42C14 .* 27 70$/);
});

it('leaves room for rows that are not here yet', () => {
  expect(lanePaths([undefined, row([{ from: 0, to: 0, color: 8 }])], 1)).toEqual([
    { color: 'var(--lane-0)', d: 'M14 42V70' },
  ]);
});

it('never grows wider than a few dozen characters, however many lanes', () => {
  expect(graphWidth(1)).toBe(44);
  expect(graphWidth(400)).toBeLessThanOrEqual(168);
  expect(laneX(399, 400)).toBeLessThanOrEqual(154);
});

it('bows longer arcs further out, but stays in the gutter', () => {
  const reach = (d: string) => Number(d.match(/C([\d.]+)/)?.[1]);
  expect(reach(arcPath(0, 2))).toBeGreaterThan(reach(arcPath(0, 20)));
  expect(reach(arcPath(0, 100_000))).toBeGreaterThan(0);
});
