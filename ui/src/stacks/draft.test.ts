import { describe, expect, it } from 'vitest';
import { stacks } from '../../tests/mock/pipeline';
import { draftOf, problemsOf, registryProblem, repositoryProblem, stackOf } from './draft';

it('gives back the stack it was made from', () => {
  for (const stack of stacks) expect(stackOf(draftOf(stack))).toEqual(stack);
  const off = { ...stacks[1]!, detect_single_name: false };
  expect(stackOf(draftOf(off))).toEqual(off);
});

it.each([
  'localhost:5000',
  'registry.example.org',
  'registry.example.org:5000/team/images',
  '123456789012.dkr.ecr.eu-central-1.amazonaws.com',
  '[::1]:5000',
])('takes the registry %s', (registry) => expect(registryProblem(registry)).toBeNull());

it.each([
  'https://registry.example.org',
  'a b',
  'host/Team',
  'host/team:tag',
  '-host',
  'host:port',
  'host//x',
  'host/',
])('refuses the registry %s', (registry) => expect(registryProblem(registry)).toMatch(/\.$/));

it('refuses names with a tag, with capitals or nothing between slashes', () => {
  for (const name of ['a:b', 'Team', 'a//b', '.a', 'a-']) expect(repositoryProblem(name)).not.toBeNull();
  for (const name of ['a', 'a/b-c', 'a_b', 'a__b', 'a.b', 'a--b']) expect(repositoryProblem(name)).toBeNull();
});

describe('a draft', () => {
  const ok = { ...draftOf(null), name: 'ci' };

  it('with a name is a stack', () => expect(problemsOf(ok, ['local'])).toEqual({}));

  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'Big' }, 'name'],
    [{ name: 'local' }, 'name'],
    [{ name: 'x'.repeat(41) }, 'name'],
    [{ singleName: 'named', repository: '' }, 'repository'],
    [{ prefix: '' }, 'prefix'],
    [{ platform: 'amd64' }, 'platform'],
    [{ context: '--config' }, 'context'],
    [{ builder: 'a b' }, 'builder'],
    [{ registry: 'http://x' }, 'registry'],
    [{ artifactStore: 'store' }, 'artifactStore'],
    [{ caBundle: '~/proxy.pem' }, 'caBundle'],
    [{ requirements: '-r x.txt' }, 'requirements'],
    [{ aptPackages: 'a b' }, 'aptPackages'],
    [{ environment: 'A' }, 'environment'],
  ] as const)('%j is told to be wrong', (part, field) => {
    expect(Object.keys(problemsOf({ ...ok, ...part }, ['local']))).toEqual([field]);
  });

  it('asks for no repository that it does not use', () => {
    expect(problemsOf({ ...ok, repository: 'NOT:VALID' }, [])).toEqual({});
  });
});
