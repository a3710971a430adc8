import { expect, it, vi } from 'vitest';
import { build } from '../../tests/samples';
import { composeHandlers, deployments } from '../../tests/mock/compose';
import { mockEngine, wireError } from '../../tests/mock/world';
import type { BuildEvent, BuildRequest, DeployEvent } from '../lib/ipc';
import { noOptions } from './choices.svelte';
import { Deploys } from './deploys.svelte';

const request: BuildRequest = {
  project: 'p',
  commit: '9c1e77a',
  dirty: false,
  full: false,
  no_cache: false,
  base: null,
  options: noOptions,
  services: [],
};

type Listener = { onmessage: (event: DeployEvent) => void };

function deploying(run: (say: Listener) => unknown) {
  mockEngine({ ...composeHandlers(), deploy: (({ events }: { events: Listener }) => run(events)) as never });
  const deploys = new Deploys();
  return { deploys, ended: deploys.start(request, 'webshop') };
}

it('tells a deploy line by line and how it ended', async () => {
  vi.useFakeTimers();
  const { deploys, ended } = deploying((say) => {
    say.onmessage({ type: 'line', text: 'Container webshop-db-1  Started' });
    say.onmessage({ type: 'done', deployment: deployments[0]! });
    return null;
  });
  const deploy = await ended;
  expect(deploy.lines).toEqual(['Container webshop-db-1  Started']);
  expect(deploy.state).toBe('done');
  expect(deploys.list).toEqual([deploy]);
  vi.advanceTimersByTime(10_000);
  expect(deploys.list, 'what went well needs no dismissing').toEqual([]);
  vi.useRealTimers();
});

it('keeps a failed deploy until the next of the same project', async () => {
  const { deploys, ended } = deploying((say) => {
    say.onmessage({ type: 'failed', error: wireError({ message: 'port 8080 is taken' }) });
    return null;
  });
  const deploy = await ended;
  expect(deploy.state).toBe('failed');
  expect(deploy.failure?.message).toBe('port 8080 is taken');
  const again = deploys.start(request, 'webshop');
  expect(deploys.list).toHaveLength(1);
  await again;
});

it('fails when the engine refuses to start it', async () => {
  const { ended } = deploying(() => {
    throw wireError({ code: 'engine', message: 'Docker does not answer' });
  });
  const deploy = await ended;
  expect(deploy.failure?.code).toBe('engine');
});

it('deploys nothing when the build fails', async () => {
  const deployed = vi.fn();
  mockEngine({
    ...composeHandlers(),
    watch_build: (({ events }: { events: { onmessage: (event: BuildEvent) => void } }) => {
      const line = { number: 0, step: 1, at_ms: 5, text: 'npm error' };
      events.onmessage({ type: 'log', lines: [line] });
      events.onmessage({ type: 'finished', build: build({ status: 'failed', error: 'frontend failed at npm ci' }) });
      return null;
    }) as never,
    deploy: deployed as never,
  });
  const deploy = await new Deploys().start(request, 'webshop');
  expect(deploy.failure?.message).toBe('the build failed: frontend failed at npm ci');
  expect(deploy.lines).toEqual(['npm error']);
  expect(deploy.build).toBe('b0ffee');
  expect(deployed).not.toHaveBeenCalled();
});

it('builds nothing when told so', async () => {
  const built = vi.fn();
  mockEngine({ ...composeHandlers(), start_build: built as never, deploy: () => null });
  await new Deploys().start({ ...request, options: { ...noOptions, no_build: true } }, 'webshop');
  expect(built).not.toHaveBeenCalled();
});
