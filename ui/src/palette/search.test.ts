import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { dataHandlers } from '../../tests/mock/data';
import { handlers, mockEngine, project } from '../../tests/mock/world';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import { PaletteSearch } from './search.svelte';

let stop = () => {};

beforeEach(() => {
  mockEngine(handlers(3000));
  app.projects = [project];
  stop = actions.register([
    { id: 'x', title: 'Build this commit', group: 'Plan', keys: ['b'], run: () => {} },
    { id: 'y', title: 'Next commit', group: 'History', quiet: true, run: () => {} },
  ]);
});
afterEach(() => stop());

it('lists actions before anything is typed, without the quiet ones', () => {
  const search = new PaletteSearch();
  search.open();
  expect(search.entries.map((entry) => entry.title)).toEqual(['Build this commit']);
});

it('finds branches, commits and builds, and goes to them', async () => {
  const search = new PaletteSearch();
  search.open();
  search.set('rel');
  await vi.waitFor(() => expect(search.entries.map((entry) => entry.title)).toContain('release/8.4'));
  search.set('lazy free');
  await vi.waitFor(() => expect(search.entries.some((entry) => entry.group === 'Commits')).toBe(true));
  search.entries.find((entry) => entry.group === 'Commits')?.run();
  expect(app.router.screen.name).toBe('history');
  expect(app.commit).toMatch(/^[0-9a-f]{40}$/);
});

it('finds pipelines and data repositories by name, and goes to them', async () => {
  mockEngine(handlers(30, dataHandlers()));
  const search = new PaletteSearch();
  search.open();
  search.set('scrap');
  await vi.waitFor(() => expect(search.entries.map((entry) => entry.group)).toContain('Data repositories'));
  search.entries.find((entry) => entry.group === 'Data repositories')?.run();
  expect(app.router.screen).toEqual({ name: 'data-repo', stack: null, repo: 'scraper' });
  search.set('diges');
  search.entries.find((entry) => entry.group === 'Datum pipelines')?.run();
  expect(app.router.screen).toEqual({ name: 'datum-pipeline', stack: 'local', pipeline: 'digest' });
});
