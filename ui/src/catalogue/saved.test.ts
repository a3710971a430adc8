import { describe, expect, it } from 'vitest';

import { everything, parseQuery } from './query';
import { SavedFilters, toQuery } from './saved.svelte';

describe('saved filters', () => {
  it('come back as they were, and replace one of the same name', () => {
    const query = parseQuery('status:failed branch:main', { ...everything, project: 'p', sort: 'duration' });
    new SavedFilters().save('mine', everything);
    new SavedFilters().save('mine', query);
    const again = new SavedFilters();
    expect(again.list).toHaveLength(1);
    expect(toQuery(again.list[0]!)).toEqual(query);
    again.remove('mine');
    expect(new SavedFilters().list).toEqual([]);
  });

  it('pass over what is not a filter', () => {
    localStorage.setItem(
      'headstart.filters',
      '[{"name":1},"x",null,{"name":"a","words":"","project":null,"sort":"odd","ascending":true}]',
    );
    expect(new SavedFilters().list).toEqual([]);
    localStorage.setItem('headstart.filters', '{broken');
    expect(new SavedFilters().list).toEqual([]);
  });
});
