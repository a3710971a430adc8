import { expect, it, vi } from 'vitest';
import { finder } from './find';

function log(texts: string[]) {
  return vi.fn((from: number, count: number) => {
    const lines = texts.slice(from, from + count).map((text, i) => ({ number: from + i, step: 1, at_ms: 0, text }));
    return Promise.resolve({ total: texts.length, lines });
  });
}

it('finds lines whatever their case and colours', async () => {
  const find = finder(log(['nothing', '\x1b[31mEr\x1b[0mror here', 'no', 'an error']));
  expect(await find('ERROR')).toEqual([1, 3]);
  expect(await find('absent')).toEqual([]);
});

it('reads a long log in pieces, and only what is new the next time', async () => {
  const texts: string[] = Array.from({ length: 12_000 }, (_, i) => (i % 4000 === 1 ? 'hit' : 'line'));
  const read = log(texts);
  const find = finder(read);
  expect(await find('hit')).toEqual([1, 4001, 8001]);
  expect(read).toHaveBeenCalledTimes(3);
  texts.push('another hit');
  expect(await find('hit')).toEqual([1, 4001, 8001, 12_000]);
  expect(read.mock.lastCall).toEqual([12_000, 5000]);
});
