import { expect, it } from 'vitest';
import { Failure } from '../ipc';
import { Resource } from './resource.svelte';

function later<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => ((resolve = yes), (reject = no)));
  return { promise, resolve, reject };
}

it('shows the newest answer even when an older one arrives later', async () => {
  const resource = new Resource<string>();
  const [first, second] = [later<string>(), later<string>()];
  const loads = [resource.load(() => first.promise), resource.load(() => second.promise)];
  second.resolve('new');
  first.resolve('old');
  await Promise.all(loads);
  expect(resource.data).toBe('new');
  expect(resource.pending).toBe(false);
});

it('keeps what it has when a refetch fails', async () => {
  const resource = new Resource<string>();
  await resource.load(async () => 'here');
  const wire = { code: 'engine' as const, message: 'no answer', hint: null, detail: null, problems: [] };
  await resource.load(() => Promise.reject(new Failure(wire)));
  expect(resource.data).toBe('here');
  expect(resource.failure?.code).toBe('engine');
});
