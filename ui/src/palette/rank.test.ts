import { expect, it } from 'vitest';
import { best, rank } from './rank';

const titles = ['History', 'Show only built commits', 'Build this commit', 'Build this commit in full', 'Builds'];
const find = (query: string) => best(titles, query, (title) => title, 10);

it('puts beginnings before middles and short before long', () => {
  expect(find('build')).toEqual(
    ['Builds', 'Build this commit', 'Build this commit in full', 'Show only built commits'].slice(0, 3),
  );
  expect(find('commit bui')).toEqual(['Build this commit', 'Build this commit in full', 'Show only built commits']);
});

it('needs every word', () => {
  expect(rank('build nonsense', 'Build this commit')).toBeNull();
  expect(find('')).toEqual(titles);
});
