import { mockIPC } from '@tauri-apps/api/mocks';
import { beforeEach, expect, it, vi } from 'vitest';
import type { GraphPage } from '../lib/ipc';
import { handlers, type Handlers, mockEngine } from '../../tests/mock/world';
import { Graph, noFilter, PAGE } from './graph.svelte';

let asked: string[];

function engine(override: Handlers = {}) {
  const answers = handlers(5000, override);
  asked = [];
  mockIPC((command, args) => {
    asked.push(command === 'graph_page' ? `page ${(args as { from: number }).from / PAGE}` : command);
    return answers[command]?.(args as never);
  });
}

beforeEach(() => engine());

const settled = (graph: Graph) => vi.waitFor(() => expect(graph.loaded).toBe(true));

it('fetches the pages in view once, and the states of visible rows only', async () => {
  const graph = new Graph('p');
  graph.show(190, 230);
  graph.show(195, 235);
  await vi.waitFor(() => expect(graph.states.size).toBe(40));
  expect(asked).toEqual(['page 0', 'page 1', 'commit_states']);
  expect(graph.known).toBe(5000);
  expect(graph.row(210)?.index).toBe(210);
});

it('asks again for what is visible when something changed, and keeps showing what it has', async () => {
  const graph = new Graph('p');
  graph.show(0, 20);
  await vi.waitFor(() => expect(graph.states.size).toBe(20));
  asked = [];
  graph.refresh();
  expect(graph.row(3)).toBeDefined();
  await vi.waitFor(() => expect(asked).toEqual(['page 0', 'commit_states']));
});

it('forgets row numbers when the history begins with another commit', async () => {
  const graph = new Graph('p');
  graph.show(0, 20);
  await settled(graph);
  const old = graph.row(3)?.commit as string;
  const rows = [0, 1, 2].map((index) => ({ ...graph.row(index), index, commit: `new${index}` }));
  graph.apply(0, { known: 3, complete: true, lanes: 1, rows, unborn: false, shallow: false } as GraphPage);
  expect(graph.indexOf(old)).toBeUndefined();
  expect(graph.indexOf('new2')).toBe(2);
  expect(graph.count).toBe(3);
});

it('grows while the history is still being read', async () => {
  const known = [400, 5000];
  const page = handlers(5000)['graph_page'] as (args: unknown) => GraphPage;
  engine({
    graph_page: ((args: unknown) => {
      const now = known.shift() ?? 5000;
      return { ...page(args), known: now, complete: now === 5000 };
    }) as never,
  });
  const graph = new Graph('p');
  graph.show(0, 20);
  await settled(graph);
  expect(graph.known).toBe(400);
  await vi.waitFor(() => expect(graph.known).toBe(5000));
});

it('lists hits instead of the graph while a filter is set', async () => {
  const graph = new Graph('p');
  graph.show(0, 20);
  await settled(graph);
  graph.setFilter({ ...noFilter, onlyBuilt: true });
  await vi.waitFor(() => expect(graph.count).toBe(6));
  expect(graph.row(0)?.index).toBe(3);
  graph.setFilter(noFilter);
  expect(graph.count).toBe(5000);
});

it('says what went wrong, with the sentence of the engine', async () => {
  mockEngine({
    graph_page: () =>
      Promise.reject({ code: 'repository', message: 'no repository', hint: null, detail: null, problems: [] }),
  });
  const graph = new Graph('p');
  graph.show(0, 20);
  await settled(graph);
  expect(graph.failure?.message).toBe('no repository');
});

it('finds a commit that is far away by asking', async () => {
  const graph = new Graph('p');
  graph.show(0, 20);
  await settled(graph);
  const far = (handlers(5000)['graph_page'] as (args: unknown) => GraphPage)({ from: 3000, count: 1 }).rows[0];
  expect(await graph.locate(far?.commit ?? '')).toBe(3000);
  expect(await graph.locate('f'.repeat(40))).toBe(-1);
});
