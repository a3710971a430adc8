/** What the insights say in words, worked out from what the engine measured. */

import type { Reality, WeekSaved } from '../lib/ipc';
import { duration, percent, plural } from '../lib/ui/format';

export interface Totals {
  saved: number;
  builds: number;
  /** Weeks with at least one build. */
  weeks: number;
}

export function totals(weeks: readonly WeekSaved[]): Totals {
  return {
    saved: weeks.reduce((sum, week) => sum + week.saved_ms, 0),
    builds: weeks.reduce((sum, week) => sum + week.builds, 0),
    weeks: weeks.filter((week) => week.builds > 0).length,
  };
}

/** A round time for an axis or a label: "30 s", "1 min", "2 h". */
export function roundWords(ms: number): string {
  return duration(ms)
    .replace('.0 s', ' s')
    .replace(/^(−?\d+ min) \d\d s$/, '$1')
    .replace(/^(−?\d+ h) 00 min$/, '$1');
}

export interface Accuracy {
  /** Median of measured over expected; 1 is exact. */
  median: number;
  /** Share of builds within a quarter of what was expected. */
  close: number;
}

/** Returns how well the estimates held; null without any. */
export function accuracy(reality: readonly Reality[]): Accuracy | null {
  const ratios = reality
    .filter((one) => one.expected_ms > 0)
    .map((one) => one.duration_ms / one.expected_ms)
    .sort((a, b) => a - b);
  if (ratios.length === 0) return null;
  const middle = ratios.length >> 1;
  const median =
    ratios.length % 2 === 1
      ? (ratios[middle] as number)
      : ((ratios[middle - 1] as number) + (ratios[middle] as number)) / 2;
  return { median, close: ratios.filter((ratio) => Math.abs(ratio - 1) <= 0.25).length / ratios.length };
}

/** Returns what the median ratio means, in words. */
export function accuracyWords({ median }: Accuracy): string {
  const off = Math.round(Math.abs(median - 1) * 100);
  if (off < 5) return 'Estimates are about right';
  return median > 1 ? `Builds take ${off} % longer than expected` : `Builds are ${off} % faster than expected`;
}

/** From how many builds on a share says something. */
const enough = 5;

/** Returns how well the estimates held, in words; null without any build to compare. */
export function realityWords(reality: readonly Reality[]): string | null {
  const held = accuracy(reality);
  if (held === null) return null;
  const compared = reality.filter((one) => one.expected_ms > 0).length;
  if (compared < enough) return `${plural(compared, 'build')} compared so far; too few to say how well estimates hold`;
  return `${accuracyWords(held)}; ${percent(held.close)} within a quarter`;
}
