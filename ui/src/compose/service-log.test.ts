import { expect, it, vi } from 'vitest';
import { mockEngine, wireError } from '../../tests/mock/world';
import { ServiceLog } from './service-log.svelte';

type Listener = { onmessage: (text: string) => void };

it('keeps lines in order and says when no more will come', async () => {
  mockEngine({
    service_log: (({ lines }: { lines: Listener }) => {
      for (const text of ['one', 'two', 'three']) lines.onmessage(text);
      return null;
    }) as never,
  });
  const log = new ServiceLog('webshop', 'api');
  log.start();
  await expect.poll(() => log.live).toBe(false);
  expect(log.pages.total).toBe(3);
  expect(log.pages.line(1)?.text).toBe('two');
  expect((await log.read(1, 5)).lines.map((line) => line.text)).toEqual(['two', 'three']);
});

it('ends the stream when it is closed', async () => {
  const closed = vi.fn((_: { id: number }) => null);
  const asked = vi.fn((_: { lines: { id: number } }) => new Promise(() => {}));
  mockEngine({ service_log: asked as never, close_log: closed as never });
  const stop = new ServiceLog('webshop', 'api').start();
  await vi.waitFor(() => expect(asked).toHaveBeenCalled());
  stop();
  await vi.waitFor(() => expect(closed).toHaveBeenCalled());
  expect(closed.mock.lastCall?.[0].id).toBe(asked.mock.lastCall?.[0].lines.id);
});

it('lets go of the oldest lines of a service that never stops, and keeps their numbers', async () => {
  const log = new ServiceLog('webshop', 'api');
  for (let i = 0; i < 200_001; i++) log.take(`line ${i}`);
  log.flush();
  const page = await log.read(150_000, 1);
  expect(page.total).toBe(200_001);
  expect(page.lines[0]).toMatchObject({ number: 150_000, text: 'line 150000' });
  expect((await log.read(0, 10)).lines).toEqual([]);
});

it('says why there is no log', async () => {
  mockEngine({
    service_log: () => {
      throw wireError({ message: 'the container is gone' });
    },
  });
  const log = new ServiceLog('webshop', 'api');
  log.start();
  await expect.poll(() => log.failure?.message).toBe('the container is gone');
});
