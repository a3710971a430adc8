/**
 * One build as it happens. `apply` is pure: whatever order a window is opened, reloaded and closed in, a watch begins
 * with everything so far, and the same events give the same state.
 */

import type { Build, BuildEvent, LogLine, Phase, PhaseTime, Step } from '../ipc';

export class BuildRun {
  /** The record; its `steps` live in `steps`. */
  build = $state.raw<Build | null>(null);
  /** Steps by number. */
  steps = $state.raw<readonly Step[]>([]);
  /** Lines in the whole log. */
  logLines = $state(0);
  /** Whether the watch reported the end. */
  finished = $state(false);
  /** Now by the engine's clock; moves while the build is active. */
  now = $state(0);

  readonly active = $derived(this.build?.status === 'queued' || this.build?.status === 'running');

  /** Milliseconds since it left the queue; null while queued. */
  readonly elapsed = $derived.by(() => {
    const build = this.build;
    if (!build) return null;
    if (!this.active) return build.duration_ms;
    return build.started_at === null ? null : Math.max(0, this.now - build.started_at);
  });

  /** When it should end, by the plan; null without data. */
  readonly expectedEnd = $derived(
    this.build?.started_at != null && this.build.expected_ms !== null
      ? this.build.started_at + this.build.expected_ms
      : null,
  );

  /** Share done, 0 to 1. While active it never claims to be done; null when there is no expectation. */
  readonly progress = $derived.by(() => {
    if (!this.build) return null;
    if (!this.active) return 1;
    const { expected_ms: expected } = this.build;
    if (expected === null || this.elapsed === null) return null;
    return expected === 0 ? 0.98 : Math.min(0.98, this.elapsed / expected);
  });

  /** Milliseconds past the expectation; 0 within it. */
  readonly overdue = $derived(
    this.elapsed !== null && this.build?.expected_ms != null ? Math.max(0, this.elapsed - this.build.expected_ms) : 0,
  );

  readonly cached = $derived(this.steps.filter((step) => step.cached).length);
  readonly done = $derived(this.steps.filter((step) => step.status === 'done').length);
  readonly current = $derived(this.steps.filter((step) => step.status === 'running'));

  /** Wall time per phase: the engine's when it has added it up, else what the steps show so far. */
  readonly phases = $derived.by(() => {
    if (this.build && this.build.phases.length > 0) return this.build.phases;
    return phasesSoFar(this.steps, this.build?.started_at ?? null, this.elapsed, this.now);
  });

  readonly #listeners = new Set<(lines: readonly LogLine[]) => void>();

  apply(event: BuildEvent): void {
    switch (event.type) {
      case 'snapshot':
        this.now = event.now;
        this.#take(event.build, event.build.steps);
        this.finished = false;
        break;
      case 'changed':
        this.#take(event.build, this.steps);
        break;
      case 'steps':
        this.steps = merge(this.steps, event.steps);
        break;
      case 'log': {
        const last = event.lines.at(-1);
        if (!last) break;
        this.logLines = Math.max(this.logLines, last.number + 1);
        for (const listener of this.#listeners) listener(event.lines);
        break;
      }
      case 'finished':
        this.#take(event.build, event.build.steps.length > 0 ? event.build.steps : this.steps);
        this.finished = true;
        break;
    }
  }

  /** Hears live log lines until the returned function is called. */
  onLog(listener: (lines: readonly LogLine[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Moves the clock on; `passed` milliseconds went by. */
  tick(passed: number): void {
    if (this.active) this.now += passed;
  }

  /** Returns how long a step took, or takes so far. */
  stepDuration(step: Step): number | null {
    return stepDuration(step, this.now);
  }

  #take(build: Build, steps: readonly Step[]): void {
    this.build = build;
    this.steps = [...steps].sort((a, b) => a.number - b.number);
    this.logLines = Math.max(this.logLines, build.log_lines);
  }
}

export function stepDuration(step: Step, now: number): number | null {
  if (step.status === 'running' && step.started_at !== null) return Math.max(0, now - step.started_at);
  return step.duration_ms;
}

function merge(known: readonly Step[], changed: readonly Step[]): Step[] {
  const byNumber = new Map(known.map((step) => [step.number, step]));
  for (const step of changed) byNumber.set(step.number, step);
  return [...byNumber.values()].sort((a, b) => a.number - b.number);
}

/** The order in which phases are shown; it is roughly the order in which they happen. */
export const phaseOrder: readonly Phase[] = ['resolve', 'context', 'cache_import', 'steps', 'export', 'push', 'other'];

/**
 * Splits the elapsed time among phases so that they add up: a moment belongs to the latest phase at work in it (parallel
 * work is not counted twice), and a moment in which nothing runs is "other".
 */
export function phasesSoFar(
  steps: readonly Step[],
  startedAt: number | null,
  elapsed: number | null,
  now: number,
): PhaseTime[] {
  if (startedAt === null || elapsed === null) return [];
  const end = startedAt + elapsed;
  const spans = steps
    .filter((step) => step.parent === null && step.started_at !== null)
    .map((step) => {
      const from = Math.max(startedAt, step.started_at ?? startedAt);
      return { phase: step.phase, from, to: Math.min(end, from + (stepDuration(step, now) ?? 0)) };
    })
    .filter((span) => span.to > span.from);
  const borders = [...new Set([startedAt, end, ...spans.flatMap((span) => [span.from, span.to])])].sort(
    (a, b) => a - b,
  );
  const sums = new Map<Phase, number>();
  for (let i = 1; i < borders.length; i++) {
    const [from, to] = [borders[i - 1] as number, borders[i] as number];
    const at = spans.filter((span) => span.from <= from && span.to >= to).map((span) => phaseOrder.indexOf(span.phase));
    const phase = at.length > 0 ? (phaseOrder[Math.max(...at)] ?? 'other') : 'other';
    sums.set(phase, (sums.get(phase) ?? 0) + to - from);
  }
  return phaseOrder.flatMap((phase) => {
    const duration_ms = sums.get(phase) ?? 0;
    return duration_ms > 0 ? [{ phase, duration_ms }] : [];
  });
}
