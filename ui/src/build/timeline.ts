/** The arithmetic of the step timeline: which rows there are, where their bars stand, where the axis is marked. */

import type { Build, Step } from '../lib/ipc';
import { stepDuration } from '../lib/state/build-run.svelte';

export interface TimelineRow {
  step: Step;
  /** 0 for a step, 1 for a task inside it. */
  depth: number;
  /** Left edge and width as shares of the axis; null while pending. */
  bar: { left: number; width: number } | null;
  duration: number | null;
}

export interface Axis {
  /** Milliseconds from start to right edge. */
  length: number;
  ticks: { at: number; share: number }[];
  /** Where the expected end and the present stand, as shares. */
  expected: number | null;
  now: number | null;
}

/** Steps in the order shown: as they started, those to come by number, and tasks after their step. */
export function ordered(steps: readonly Step[]): { step: Step; depth: number }[] {
  const children = new Map<number, Step[]>();
  const numbers = new Set(steps.map((step) => step.number));
  const roots: Step[] = [];
  for (const step of steps) {
    // A task whose step is unknown, or claims to be its own, still has to be seen.
    if (step.parent === null || step.parent === step.number || !numbers.has(step.parent)) roots.push(step);
    else children.set(step.parent, [...(children.get(step.parent) ?? []), step]);
  }
  roots.sort(byStart);
  for (const tasks of children.values()) tasks.sort(byStart);
  const result: { step: Step; depth: number }[] = [];
  const seen = new Set<number>();
  const visit = (step: Step, depth: number) => {
    if (seen.has(step.number)) return;
    seen.add(step.number);
    result.push({ step, depth });
    for (const child of children.get(step.number) ?? []) visit(child, depth + 1);
  };
  for (const root of roots) visit(root, 0);
  for (const step of steps) visit(step, 0);
  return result;
}

function byStart(a: Step, b: Step): number {
  if (a.started_at === null || b.started_at === null) {
    return Number(a.started_at === null) - Number(b.started_at === null) || a.number - b.number;
  }
  return a.started_at - b.started_at || a.number - b.number;
}

/** Returns the axis for a build; `elapsed` and `now` by the engine's clock. */
export function axis(build: Build, elapsed: number | null, active: boolean): Axis {
  const expected = build.expected_ms;
  const reach = Math.max(elapsed ?? 0, active ? (expected ?? 0) : 0, 500);
  const showExpected = expected !== null && (active || expected <= reach * 1.6);
  const length = Math.max(reach, showExpected ? (expected ?? 0) : 0) * 1.04;
  const step = niceStep(length);
  const ticks: Axis['ticks'] = [];
  for (let at = 0; at <= length; at += step) ticks.push({ at, share: at / length });
  return {
    length,
    ticks,
    expected: showExpected && expected !== null ? expected / length : null,
    now: active && elapsed !== null ? elapsed / length : null,
  };
}

/** Returns the rows with their bars. */
export function rows(steps: readonly Step[], startedAt: number | null, length: number, now: number): TimelineRow[] {
  return ordered(steps).map(({ step, depth }) => {
    const duration = stepDuration(step, now);
    if (step.started_at === null || startedAt === null) return { step, depth, bar: null, duration };
    const left = Math.min(1, Math.max(0, (step.started_at - startedAt) / length));
    const width = Math.min(1 - left, Math.max(0, (duration ?? 0) / length));
    return { step, depth, bar: { left, width }, duration };
  });
}

const STEPS = [
  100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3, 14400e3,
];

/** Returns the distance between ticks: a round time, six to ten of them at most. */
export function niceStep(length: number): number {
  return STEPS.find((step) => length / step <= 7) ?? Math.ceil(length / 7 / 14400e3) * 14400e3;
}

/** Splits BuildKit's step names, `[stage 2/5] RUN make` or `[internal] load …`, into where and what. */
export function splitName(name: string): { place: string | null; what: string } {
  const match = /^\[([^\]]{1,80})\]\s+(\S.*)$/s.exec(name);
  return match ? { place: match[1] ?? null, what: match[2] ?? name } : { place: null, what: name };
}
