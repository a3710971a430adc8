import { expect, it } from 'vitest';
import { progressOf } from './progress';

it('is the share of the expected time, and never done before it is', () => {
  const running = { status: 'running' as const, started_at: 1000, expected_ms: 5000 };
  expect(progressOf(running, 3500)).toBe(0.5);
  expect(progressOf(running, 60_000)).toBe(0.96);
  expect(progressOf({ ...running, expected_ms: null }, 3500)).toBeNull();
  expect(progressOf({ ...running, status: 'queued', started_at: null }, 3500)).toBeNull();
});
