/**
 * The three scales that the charts need. d3-scale would do, but d3-color underneath assigns `constructor` and `toString`
 * while it loads, which throws where the shell has frozen Object.prototype.
 */

export type Scale = (value: number) => number;
export type Pair = readonly [from: number, to: number];

/** Maps a domain to a range in proportion. */
export function linear([low, high]: Pair, [start, end]: Pair): Scale {
  const span = high - low || 1;
  return (value) => start + ((value - low) / span) * (end - start);
}

/** Maps a domain of positive numbers to a range so that equal ratios are equally far apart. */
export function logarithmic([low, high]: Pair, range: Pair): Scale {
  const inner = linear([Math.log(low), Math.log(high)], range);
  return (value) => inner(Math.log(value));
}

export interface Bands {
  /** Left edge of a band. */
  at: (index: number) => number;
  width: number;
}

/** Splits a width into bands; `gap` is the share between them, half of it stands at each end. */
export function bands(count: number, width: number, gap: number): Bands {
  const step = width / Math.max(1, count);
  return { at: (index) => step * (index + gap / 2), width: step * (1 - gap) };
}

/** Returns the path of the band between a quarter less and a quarter more than exact, within the domain. */
export function quarterBand(domain: Pair, x: Scale, y: Scale): string {
  const [low, high] = domain;
  const clamp = (value: number) => Math.min(high, Math.max(low, value));
  const point = (across: number, up: number) => `${x(across).toFixed(1)},${y(clamp(up)).toFixed(1)}`;
  // On logarithmic scales the edges are straight; they bend only where the domain cuts them.
  const above = [low, high / 1.25, high].map((ms) => point(ms, ms * 1.25));
  const below = [high, low * 1.25, low].map((ms) => point(ms, ms / 1.25));
  return `M${[...above, ...below].join('L')}Z`;
}
