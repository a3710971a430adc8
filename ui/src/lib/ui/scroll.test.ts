import { describe, expect, it } from 'vitest';
import { MAX_HEIGHT, maxOffset, offsetAfter, offsetFor, spacerHeight, topFor, visibleRows } from './scroll';

const small = { rows: 1000, rowHeight: 28, viewport: 600 };
const huge = { rows: 2_000_000, rowHeight: 28, viewport: 600 };

describe('a list that fits', () => {
  it('scrolls one to one', () => {
    expect(spacerHeight(small)).toBe(28_000);
    expect(offsetAfter(0, 0, 5000, small)).toBe(5000);
    expect(topFor(5000, small)).toBe(5000);
  });
  it('draws the rows in view and a few more', () => {
    expect(visibleRows(2800, small, 2)).toEqual({ first: 98, last: 124 });
    expect(visibleRows(0, small, 8)).toEqual({ first: 0, last: 30 });
    expect(visibleRows(0, { ...small, rows: 3 }, 8)).toEqual({ first: 0, last: 3 });
  });
});

describe('a list taller than a browser can show', () => {
  it('never asks for an element beyond the cap', () => expect(spacerHeight(huge)).toBe(MAX_HEIGHT));
  it('moves a wheel step by exactly its pixels', () => {
    expect(offsetAfter(1_000_000, 143_000, 143_120, huge)).toBe(1_000_120);
  });
  it('reaches the last row with the thumb and the first one again', () => {
    expect(offsetAfter(0, 0, MAX_HEIGHT - 600, huge)).toBe(maxOffset(huge));
    expect(offsetAfter(maxOffset(huge), MAX_HEIGHT - 600, 0, huge)).toBe(0);
    expect(visibleRows(maxOffset(huge), huge).last).toBe(2_000_000);
  });
  it('puts the thumb where the offset is', () => {
    const offset = maxOffset(huge) / 2;
    const top = topFor(offset, huge);
    expect(offsetAfter(0, 0, top, huge)).toBeCloseTo(offset, 3);
  });
});

describe('bringing a row into view', () => {
  it('moves as little as possible', () => {
    expect(offsetFor(0, 500, small)).toBe(0);
    expect(offsetFor(20, 500, small)).toBe(500);
    expect(offsetFor(60, 500, small)).toBe(60 * 28 + 28 - 600);
  });
  it('centres on request', () => expect(offsetFor(500, 0, small, 'center')).toBe(500 * 28 - 286));
});
