import { mockIPC } from '@tauri-apps/api/mocks';
import { flushSync } from 'svelte';
import { expect, it, vi } from 'vitest';
import { handlers } from '../../tests/mock/world';
import type { GraphPage } from '../lib/ipc';
import { Graph } from './graph.svelte';

it('tells who shows a commit when others are made above it', async () => {
  const answers = handlers(20);
  mockIPC((command, args) => answers[command]?.(args as never));
  const graph = new Graph('p');
  graph.show(0, 20);
  await vi.waitFor(() => expect(graph.loaded).toBe(true));
  const head = graph.row(0);
  const places: (number | undefined)[] = [];
  const stop = $effect.root(() => {
    $effect(() => void places.push(graph.indexOf(head?.commit ?? '')));
  });
  flushSync();
  const rows = [
    { ...head, commit: 'new', index: 0 },
    { ...head, index: 1 },
  ];
  graph.apply(0, { known: 2, complete: true, lanes: 1, rows, unborn: false, shallow: false } as GraphPage);
  flushSync();
  stop();
  expect([places.at(0), places.at(-1)]).toEqual([0, 1]);
});
