import { expect, it, vi } from 'vitest';
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

type Listener<T> = { onmessage: (event: T) => void };

/** An engine whose deploys say this and end. */
function saying(...events: DeployEvent[]) {
  const watched = vi.fn(({ events: listener }: { composeProject: string; events: Listener<DeployEvent> }) => {
    for (const event of events) listener.onmessage(event);
    return null;
  });
  mockEngine({ ...composeHandlers(), watch_deploy: watched as never });
  return watched;
}

it('tells what compose brings up, each once, beside what else it says', async () => {
  saying(
    { type: 'line', text: ' Container webshop-db-1  Starting' },
    { type: 'line', text: 'image is old' },
    { type: 'line', text: ' Container webshop-db-1  Started' },
    { type: 'cancelled' },
  );
  const deploys = new Deploys();
  const deploy = await deploys.start(request, 'webshop');
  expect(deploy.resources).toEqual([{ kind: 'Container', name: 'webshop-db-1', state: 'Started' }]);
  expect(deploy.lines).toEqual(['image is old']);
  expect(deploy.state, 'cancel is not failure').toBe('cancelled');
  expect(deploys.list).toEqual([deploy]);
});

it('needs no dismissing when it went well', async () => {
  saying({ type: 'done', deployment: deployments[0]! });
  const deploys = new Deploys();
  const deploy = await deploys.start(request, 'webshop');
  expect(deploy.state).toBe('done');
  expect(deploys.list).toEqual([]);
});

it('keeps a failed deploy until the next of the same project', async () => {
  saying({ type: 'failed', error: wireError({ message: 'port 8080 is taken' }) });
  const deploys = new Deploys();
  const deploy = await deploys.start(request, 'webshop');
  expect(deploy.state).toBe('failed');
  expect(deploy.failure?.message).toBe('port 8080 is taken');
  const again = deploys.start(request, 'webshop');
  expect(deploys.list).toHaveLength(1);
  await again;
});

it('fails when the engine refuses to start it', async () => {
  mockEngine({
    ...composeHandlers(),
    start_deploy: () => {
      throw wireError({ code: 'engine', message: 'Docker does not answer' });
    },
  });
  const deploy = await new Deploys().start(request, 'webshop');
  expect(deploy.failure?.code).toBe('engine');
});

it('shows the lines of the build that comes first', async () => {
  mockEngine({
    ...composeHandlers(),
    watch_deploy: (({ events }: { events: Listener<DeployEvent> }) => {
      events.onmessage({ type: 'building', build: 'b0ffee' });
      return new Promise(() => {});
    }) as never,
    watch_build: (({ events }: { events: Listener<BuildEvent> }) => {
      events.onmessage({ type: 'log', lines: [{ number: 0, step: 1, at_ms: 5, text: 'npm ci' }] });
      return null;
    }) as never,
  });
  const deploys = new Deploys();
  void deploys.start(request, 'webshop');
  await expect.poll(() => deploys.list[0]?.buildLines).toEqual(['npm ci']);
  expect(deploys.list[0]?.build).toBe('b0ffee');
  expect(deploys.list[0]?.deploying).toBe(false);
});

it('goes on with what was under way before the page was loaded, once', async () => {
  const watched = vi.fn((_: { composeProject: string }) => new Promise(() => {}));
  const one = { compose_project: 'webshop', project_name: 'Webshop', request, started_at: 1_700_000_000_000 };
  mockEngine({ ...composeHandlers(), list_deploys: () => [one], watch_deploy: watched as never });
  const deploys = new Deploys();
  void deploys.resume();
  await expect.poll(() => deploys.list.map((deploy) => deploy.name)).toEqual(['Webshop']);
  expect(deploys.list[0]?.startedAt).toBe(one.started_at);
  void deploys.resume();
  await expect.poll(() => watched.mock.calls.length).toBe(1);
  expect(deploys.list).toHaveLength(1);
});

it('lets a cancel that was refused be tried again', async () => {
  mockEngine({
    ...composeHandlers(),
    watch_deploy: () => new Promise(() => {}),
    cancel_deploy: () => {
      throw wireError({ message: 'it has ended already' });
    },
  });
  const deploys = new Deploys();
  void deploys.start(request, 'webshop');
  await expect.poll(() => deploys.list[0]?.composeProject).toBe('webshop');
  await expect(deploys.cancel(deploys.list[0]!)).rejects.toThrow('it has ended already');
  expect(deploys.list[0]?.cancelling).toBe(false);
});
