import { describe, expect, it } from 'vitest';
import { age, ago, bytes, clock, count, duration, plural, sentence, speedup } from './format';

describe('format', () => {
  it.each([
    [0, '0 ms'],
    [840, '840 ms'],
    [999.6, '1.0 s'],
    [5300, '5.3 s'],
    [9960, '10 s'],
    [46_000, '46 s'],
    [59_700, '1 min 00 s'],
    [125_000, '2 min 05 s'],
    [3_840_000, '1 h 04 min'],
    [266_400_000, '3 d 2 h'],
    [-41_000, '−41 s'],
  ])('writes %d ms as %s', (ms, text) => expect(duration(ms)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_600, '1.0 MB'],
    [46_200_000, '46 MB'],
    [1_240_000_000, '1.2 GB'],
  ])('writes %d bytes as %s', (value, text) => expect(bytes(value)).toBe(text));

  it.each([
    [0, 'now'],
    [-5000, 'now'],
    [120_000, '2m'],
    [3 * 3_600_000, '3h'],
    [6 * 86_400_000, '6d'],
    [20 * 86_400_000, '2w'],
    [70 * 86_400_000, '2mo'],
    [800 * 86_400_000, '2y'],
  ])('writes an age of %d ms as %s', (passed, text) => expect(age(1e12 - passed, 1e12)).toBe(text));

  it('says ages as phrases', () => {
    expect(ago(0, 0)).toBe('just now');
    expect(ago(0, 120_000)).toBe('2 min ago');
    expect(ago(0, 70 * 86_400_000)).toBe('2 mo ago');
  });

  it('keeps a running clock the same width within a minute', () => {
    expect(clock(7_900)).toBe('0:07');
    expect(clock(72_000)).toBe('1:12');
    expect(clock(3_729_000)).toBe('1:02:09');
  });

  it('makes sentences of phrases', () => {
    expect(sentence('no ancestor was built')).toBe('No ancestor was built.');
    expect(sentence('It is there.')).toBe('It is there.');
  });

  it('counts', () => {
    expect(count(1_000_000)).toBe('1,000,000');
    expect(plural(1, 'file')).toBe('1 file');
    expect(plural(12, 'file')).toBe('12 files');
    expect(speedup(8.42)).toBe('×8.4');
    expect(speedup(120.2)).toBe('×120');
  });
});
