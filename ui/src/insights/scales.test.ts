import { describe, expect, it } from 'vitest';

import { bands, linear, logarithmic, quarterBand } from './scales';

describe('scales', () => {
  it('map in proportion, also upside down and without a span', () => {
    const y = linear([0, 100], [200, 0]);
    expect([y(0), y(25), y(100)]).toEqual([200, 150, 0]);
    expect(linear([5, 5], [0, 10])(5)).toBe(0);
  });

  it('map ratios to distances', () => {
    const x = logarithmic([1, 100], [0, 10]);
    expect([x(1), x(10), x(100)].map((v) => Math.round(v * 1000) / 1000)).toEqual([0, 5, 10]);
  });

  it('split a width evenly, with half a gap at each end', () => {
    const { at, width } = bands(4, 400, 0.2);
    expect([at(0), at(3) + width, width]).toEqual([10, 390, 80]);
    expect(bands(0, 400, 0.2).width).toBe(320);
  });

  it('keep the band within the chart', () => {
    const scale = logarithmic([1000, 10_000], [0, 100]);
    const numbers =
      quarterBand([1000, 10_000], scale, scale)
        .match(/[\d.]+/g)
        ?.map(Number) ?? [];
    expect(Math.min(...numbers)).toBe(0);
    expect(Math.max(...numbers)).toBe(100);
  });
});
