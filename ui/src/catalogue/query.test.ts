import { describe, expect, it } from 'vitest';

import { everything, formatQuery, isFiltered, parseQuery, toFilter } from './query';

describe('the catalogue filter as words', () => {
  it('reads keys and leaves the rest as text', () => {
    const query = parseQuery('startswith:ab53 status:failed,timed_out branch:"feature x" is:pinned accept CRLF');
    expect(query).toMatchObject({
      id: 'startswith:ab53',
      status: ['failed', 'timed_out'],
      branch: 'feature x',
      pinned: true,
      text: 'accept CRLF',
    });
  });

  it('writes what it reads', () => {
    for (const words of [
      'startswith:ab53 status:failed branch:main crlf',
      'id:ab53000000000001',
      'not:pinned',
      'commit:9c1e',
      'stack:gpu pipeline:training code:inside',
      'pipeline:"startswith:fraud model" code:outside x',
    ]) {
      expect(formatQuery(parseQuery(words))).toBe(words);
    }
  });

  it('asks for pipelines by the beginning of their name, by stack and by where the code is', () => {
    const query = parseQuery('pipeline:startswith:ab53ca stack:gpu code:outside');
    expect(toFilter(query, 0, 50)).toMatchObject({
      pipeline: 'startswith:ab53ca',
      stack: 'gpu',
      contains_code: false,
      id: null,
      text: null,
    });
  });

  it('takes what it does not know for text', () => {
    expect(parseQuery('status:odd fix: it http://x').text).toBe('status:odd fix: it http://x');
    expect(parseQuery('is:odd').pinned).toBeNull();
  });

  it('keeps project and order when the words change', () => {
    const query = parseQuery('x', { ...everything, project: 'p', sort: 'saved', ascending: true });
    expect(query).toMatchObject({ project: 'p', sort: 'saved', ascending: true, text: 'x' });
  });

  it('asks the engine for everything when empty', () => {
    expect(toFilter(everything, 100, 50)).toEqual({
      project: null,
      status: [],
      branch: null,
      id: null,
      commit: null,
      text: null,
      pinned: null,
      stack: null,
      pipeline: null,
      contains_code: null,
      sort: 'created',
      ascending: false,
      offset: 100,
      limit: 50,
    });
    expect(isFiltered(everything)).toBe(false);
    expect(isFiltered(parseQuery('startswith:a'))).toBe(true);
  });

  it('does not filter by an unfinished prefix', () => {
    for (const words of [
      'startswith:',
      'pipeline:startswith:',
      'stack:',
      'code:',
      'branch:',
      'branch:""',
      'status:',
      'is:',
    ])
      expect(parseQuery(words)).toEqual(everything);
  });
});
