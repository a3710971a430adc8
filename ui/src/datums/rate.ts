/** How fast datums are processed, from how the counts change. */
export type Sample = { at: number; done: number };

const SPAN = 30_000;

/** Adds what is known now and forgets what is too old to tell the pace. */
export function sampled(samples: readonly Sample[], at: number, done: number): readonly Sample[] {
  const last = samples.at(-1);
  if (last && (done < last.done || at < last.at)) return [{ at, done }];
  const recent = samples.filter((sample) => at - sample.at <= SPAN);
  // Without any change for long, the last one known still counts from when it was.
  return [...(recent.length ? recent : samples.slice(-1)), { at, done }];
}

/** Datums per second; null until two samples half a second apart tell. */
export function perSecond(samples: readonly Sample[]): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || last.at - first.at < 500 || last.done === first.done) return null;
  return ((last.done - first.done) * 1000) / (last.at - first.at);
}
