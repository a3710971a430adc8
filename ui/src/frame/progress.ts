import type { Build } from '../lib/ipc';

/** Share of the expected time that has passed, never quite done before it is; nothing without an expectation. */
export function progressOf(build: Pick<Build, 'status' | 'started_at' | 'expected_ms'>, now: number): number | null {
  if (build.status !== 'running' || build.started_at === null || !build.expected_ms) return null;
  return Math.min(0.96, Math.max(0, (now - build.started_at) / build.expected_ms));
}
