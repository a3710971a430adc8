import { describe, expect, it } from 'vitest';

import type { LogPage } from '../lib/ipc';
import { collect, MOST_LINES, TooLong } from './copy';

const read =
  (total: number, most = Infinity) =>
  async (from: number, count: number): Promise<LogPage> => ({
    total,
    lines: Array.from({ length: Math.max(0, Math.min(count, most, total - from)) }, (_, i) => ({
      number: from + i,
      step: 1,
      at_ms: 0,
      text: `\x1b[31mline ${from + i}\x1b[0m`,
    })),
  });

describe('copying a log', () => {
  it('takes both ends and leaves colours out', async () => {
    expect(await collect(read(100), 3, 5)).toBe('line 3\nline 4\nline 5');
  });

  it('goes on where an answer was shorter than asked', async () => {
    const text = await collect(read(20_000, 1000), 0, 19_999);
    expect(text.split('\n')).toHaveLength(20_000);
    expect(text.endsWith('line 19999')).toBe(true);
  });

  it('ends with the log', async () => {
    expect(await collect(read(2), 0, 9)).toBe('line 0\nline 1');
  });

  it('refuses what no clipboard should hold', async () => {
    await expect(collect(read(1), 0, MOST_LINES)).rejects.toBeInstanceOf(TooLong);
  });
});
