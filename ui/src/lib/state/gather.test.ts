import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { gather } from './gather';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('answers the first call soon and gathers the rest', async () => {
  const work = vi.fn(async () => {});
  const { call } = gather(work);
  for (let i = 0; i < 10; i++) call();
  await vi.advanceTimersByTimeAsync(60);
  expect(work).toHaveBeenCalledTimes(1);
  for (let i = 0; i < 10; i++) call();
  await vi.advanceTimersByTimeAsync(400);
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(work).toHaveBeenCalledTimes(2);
});

it('never works twice at once, and does not lose a call that came meanwhile', async () => {
  let finish = () => {};
  const work = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
  const { call } = gather(work);
  call();
  await vi.advanceTimersByTimeAsync(60);
  call();
  await vi.advanceTimersByTimeAsync(5000);
  expect(work).toHaveBeenCalledTimes(1);
  finish();
  await vi.advanceTimersByTimeAsync(600);
  expect(work).toHaveBeenCalledTimes(2);
});
