import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { byName, draftOf, integrationOf, isUsual, problemsOf, usual, withIntegration } from './integrations';

it('goes back to what the engine knows by itself', () => {
  const engine = readFileSync('../src-tauri/crates/engine/src/wire/system.rs', 'utf8');
  const from = engine.indexOf('pub fn usual()');
  const known = engine.slice(from, engine.indexOf('];', from));
  const words = usual.flatMap(({ name, requirements, apt_packages }) => [name, ...requirements, ...apt_packages]);
  expect([...known.matchAll(/"([^"]+)"/g)].map((match) => match[1])).toEqual(words);
});

it('gives back what it was made from', () => {
  for (const one of usual) expect(integrationOf(draftOf(one))).toEqual(one);
});

it.each([
  [{ name: '' }, { name: 'Give it a name.' }],
  [{ name: 'a b' }, { name: 'Letters, digits and “_”, “.”, “-”.' }],
  [{ name: 'numpy' }, { name: 'Another one has this name.' }],
  [{ requirements: ' \n' }, { requirements: 'Name at least one package.' }],
  [{ requirements: '', aptPackages: 'git' }, {}],
  [{ aptPackages: '--yes' }, { aptPackages: '“--yes” is no package: its name, or name=version.' }],
])('%j is told to be wrong', (part, problems) => {
  const draft = { name: 'own', requirements: 'own==1', aptPackages: '', ...part };
  expect(problemsOf(draft, ['numpy'])).toEqual(problems);
});

it('replaces, renames and adds in the order of names', () => {
  const one = (name: string) => ({ name, requirements: [name], apt_packages: [] });
  const table = [one('a'), one('c')];
  expect(withIntegration(table, one('b'), null).map((row) => row.name)).toEqual(['a', 'b', 'c']);
  expect(withIntegration(table, one('z'), 'a').map((row) => row.name)).toEqual(['c', 'z']);
  expect(isUsual(byName(usual).reverse())).toBe(true);
  expect(isUsual(table)).toBe(false);
});
