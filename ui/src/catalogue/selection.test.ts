import { describe, expect, it } from 'vitest';

import { Selection } from './selection.svelte';

describe('choosing builds', () => {
  it('adds and removes one by one', () => {
    const selection = new Selection();
    selection.toggle(2, 'c');
    selection.toggle(5, 'f');
    selection.toggle(2, 'c');
    expect([...selection.chosen]).toEqual(['f']);
    expect(selection.cursor).toBe(2);
  });

  it('ranges from where it began, in both directions', () => {
    const selection = new Selection();
    selection.move(5);
    expect(selection.extend(8)).toEqual({ from: 5, to: 8 });
    expect(selection.extend(3), 'the start stays').toEqual({ from: 3, to: 5 });
    selection.toggle(1, 'b');
    expect(selection.extend(2)).toEqual({ from: 1, to: 2 });
  });

  it('starts a range at the top when nothing was touched', () => {
    expect(new Selection().extend(2)).toEqual({ from: 0, to: 2 });
  });
});
