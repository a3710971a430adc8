import { describe, expect, it } from 'vitest';

import { chunks, decode } from './terminal';

describe('the bytes of a shell', () => {
  it('arrive as they were sent, also halves of characters', () => {
    expect([...decode('4pw=')]).toEqual([0xe2, 0x9c]);
    expect(decode('')).toHaveLength(0);
  });

  it('are sent in pieces that keep characters whole', () => {
    const text = 'x'.repeat(4095) + '👩' + 'y';
    const parts = chunks(text);
    expect(parts.join('')).toBe(text);
    expect(parts.map((p) => p.length)).toEqual([4095, 3]);
    expect(chunks('')).toEqual([]);
  });
});
