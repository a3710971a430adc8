/** Numbers as people read them: always with a unit, never more digits than matter. */

const whole = new Intl.NumberFormat('en');

/** 1,234,567 */
export function count(value: number): string {
  return whole.format(value);
}

/** "1 file", "12 files" */
export function plural(value: number, one: string, many = one + 's'): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** 840 ms, 5.3 s, 46 s, 2 min 05 s, 1 h 04 min, 3 d 2 h */
export function duration(ms: number): string {
  if (ms < 0) return '−' + duration(-ms);
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Elapsed time that ticks once a second without changing its width: 0:07, 1:12, 1:02:09 */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const rest = `${two(s % 60)}`;
  return s < 3600
    ? `${Math.floor(s / 60)}:${rest}`
    : `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${rest}`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** 512 B, 1.2 GB, 46 MB; decimal, as Docker counts */
export function bytes(value: number): string {
  let unit = 0;
  let rest = Math.abs(value);
  while (rest >= 999.5 && unit < byteUnits.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 9.95 ? 0 : 1;
  return `${value < 0 ? '−' : ''}${rest.toFixed(digits)} ${byteUnits[unit]}`;
}

const steps: [number, string][] = [
  [365 * 86_400_000, 'y'],
  [30 * 86_400_000, 'mo'],
  [7 * 86_400_000, 'w'],
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
];

/** Short age for a column: now, 2m, 3h, 5d, 2w, 4mo, 1y */
export function age(at: number, now: number = Date.now()): string {
  const passed = now - at;
  for (const [span, unit] of steps) if (passed >= span) return `${Math.floor(passed / span)}${unit}`;
  return 'now';
}

/** The same as a phrase: "just now", "3 h ago" */
export function ago(at: number, now: number = Date.now()): string {
  const short = age(at, now);
  return short === 'now'
    ? 'just now'
    : `${short.replace(/(\d+)/, '$1 ').replace(' m', ' min').replace('mino', 'mo')} ago`;
}

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** 3 Nov 2026, 14:05 */
export function date(at: number): string {
  return moment.format(at);
}

/** ×8.4, ×120 */
export function speedup(factor: number): string {
  return '×' + (factor < 9.95 ? factor.toFixed(1) : Math.round(factor).toString());
}

/** 42 % */
export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** First seven characters of a commit id. */
export function short(commit: string): string {
  return commit.slice(0, 7);
}

/** A phrase as a sentence: "no ancestor was built" becomes "No ancestor was built." */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?…:]$/.test(trimmed) || !trimmed ? '' : '.');
}

function two(value: number): string {
  return value.toString().padStart(2, '0');
}
