import { expect, it } from 'vitest';
import { type Parameter, pairsOf, parameterProblem, quoted, wantsQuotes } from './parameters';

const one = (name: string, value: string): Parameter => ({ name, value });

it('takes JSON of every kind and leaves it as written', () => {
  const all = [one('rate', '0.10'), one(' model ', '"svm"'), one('layers', '[1, 2]'), one('deep', 'true'), one('', '')];
  expect(pairsOf(all)).toEqual([
    ['rate', '0.10'],
    ['model', '"svm"'],
    ['layers', '[1, 2]'],
    ['deep', 'true'],
  ]);
});

it.each([
  [[one('', '1')], 0, 'Give it a name.'],
  [[one('a b', '1')], 0, 'A name has no spaces.'],
  [[one('a', '1'), one('a', '2')], 1, '“a” is there twice.'],
  [[one('a', 'svm')], 0, 'Not JSON: text stands in double quotes.'],
  [[one('a', '')], 0, 'Not JSON: text stands in double quotes.'],
  [[one('a', "'x'")], 0, 'Not JSON: text stands in double quotes.'],
] as const)('says what is wrong with %j', (all, at, problem) => {
  expect(parameterProblem(all, at)).toBe(problem);
  expect(pairsOf(all)).toBeNull();
});

it('makes text of what is not JSON', () => {
  expect(wantsQuotes(one('a', 'say "hi"'))).toBe(true);
  expect(quoted(' say "hi" ')).toBe('"say \\"hi\\""');
  expect(wantsQuotes(one('a', '3'))).toBe(false);
  expect(wantsQuotes(one('a', '')), 'nothing typed is no text').toBe(false);
});
