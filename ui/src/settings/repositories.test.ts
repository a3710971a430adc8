import { describe, expect, it } from 'vitest';
import { kindOf, nameOf, problemsOf } from './repositories';

it.each([
  ['https://github.com/lab/fraud-model.git', 'github', 'fraud-model'],
  ['git@gitlab.example.org:lab/Fraud_Model.git', 'gitlab', 'fraud-model'],
  ['ssh://git@git.example.org:2222/lab/a', 'git', 'a'],
  ['/srv/git/model.git/', 'git', 'model'],
  ['file:///srv/git/model', 'git', 'model'],
  ['https://notgithub.example/x/github.com', 'git', 'github-com'],
  ['', 'git', ''],
] as const)('%s suggests %s and a name', (url, kind, name) => {
  expect(kindOf(url)).toBe(kind);
  expect(nameOf(url)).toBe(name);
});

describe('a repository', () => {
  const ok = { name: 'fraud', kind: 'git' as const, url: 'https://git.example.org/a.git' };

  it.each([
    'https://git.example.org/a.git',
    'https://mira@git.example.org/a',
    'ssh://git@host:2222/a',
    'git@host:a/b.git',
    'file:///srv/a',
    '/srv/a',
    'C:\\git\\a',
  ])('at %s is one', (url) => expect(problemsOf({ ...ok, url }, [])).toEqual({}));

  it.each([
    [{ url: '' }, 'url'],
    [{ url: '--upload-pack=x' }, 'url'],
    [{ url: 'https://mira:secret@host/a' }, 'url'],
    [{ url: 'a b' }, 'url'],
    [{ url: 'relative/path' }, 'url'],
    [{ url: 'ext::sh' }, 'url'],
    [{ name: '' }, 'name'],
    [{ name: 'Big' }, 'name'],
    [{ name: 'taken' }, 'name'],
  ])('%j is told to be wrong', (part, field) => {
    expect(Object.keys(problemsOf({ ...ok, ...part }, ['taken']))).toEqual([field]);
  });

  it('is never told its password back', () => {
    expect(problemsOf({ ...ok, url: 'https://mira:secret@host/a' }, []).url).not.toContain('secret');
  });
});
