import { describe, expect, it } from 'vitest';

import { LogSearch, MOST } from './search.svelte';

describe('searching a log', () => {
  it('starts at the first hit in view and walks round both ends', async () => {
    const search = new LogSearch(async () => [2, 40, 90]);
    await search.run('error', 30);
    expect([search.line, search.words]).toEqual([40, '2 of 3']);
    search.next();
    search.next();
    expect(search.line).toBe(2);
    search.previous();
    expect(search.line).toBe(90);
  });

  it('wraps to the top when nothing follows', async () => {
    const search = new LogSearch(async () => [2, 40]);
    await search.run('error', 1000);
    expect(search.line).toBe(2);
  });

  it('forgets an answer that a newer question overtook', async () => {
    const answers: ((hits: number[]) => void)[] = [];
    const search = new LogSearch(() => new Promise((resolve) => answers.push(resolve)));
    const old = search.run('a');
    const newer = search.run('ab');
    answers[1]?.([7]);
    answers[0]?.([1, 2, 3]);
    await Promise.all([old, newer]);
    expect(search.hits).toEqual([7]);
  });

  it('says when there is nothing, too much, or a failure', async () => {
    const many = Array.from({ length: MOST }, (_, i) => i);
    const answers = [() => Promise.resolve([]), () => Promise.resolve(many), () => Promise.reject(new Error('gone'))];
    const search = new LogSearch(() => (answers.shift() as () => Promise<number[]>)());
    await search.run('a');
    expect(search.words).toBe('no hits');
    await search.run('b');
    expect(search.words).toBe('1 of 10,000+');
    await search.run('c');
    expect(search.words).toBe('search failed');
    await search.run('');
    expect([search.words, search.hits.length]).toEqual(['', 0]);
  });

  it('stays at its hit while the log grows', async () => {
    let hits = [5, 9];
    const search = new LogSearch(async () => hits);
    await search.run('x', 9);
    hits = [5, 9, 12];
    await search.again();
    expect([search.line, search.words]).toEqual([9, '2 of 3']);
  });
});
