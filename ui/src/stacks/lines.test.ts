import { describe, expect, it } from 'vitest';
import { aptProblem, environmentProblem, linesOf, linesOfPairs, pairsOfLines, requirementsProblem } from './lines';

it('takes one thing from each line and nothing from empty ones', () => {
  expect(linesOf(' a \n\n b>=1,<2 \n')).toEqual(['a', 'b>=1,<2']);
  expect(linesOf('')).toEqual([]);
});

it('parts a variable at the first “=” and gives back what it took', () => {
  const text = 'OPTS=--a=1 --b\nEMPTY=';
  expect(pairsOfLines(text)).toEqual([
    ['OPTS', '--a=1 --b'],
    ['EMPTY', ''],
  ]);
  expect(linesOfPairs(pairsOfLines(text))).toBe(text);
});

describe('what is wrong is named', () => {
  it.each([
    ['A=1\nB', '“B” has no “=”: NAME=VALUE.'],
    ['1A=1', '“1A” is no name: letters, digits and “_”.'],
    ['A=1\nA=2', '“A” is there twice.'],
    ['A=x=y', null],
    ['', null],
  ])('in the variables %j', (text, problem) => expect(environmentProblem(text)).toBe(problem));

  it.each([
    ['libgomp1\ngit', null],
    ['libstdc++6', null],
    ['curl=7.88.1-10+deb12u5', null],
    ['git curl', '“git curl” is no package: its name, or name=version.'],
    ['--yes', '“--yes” is no package: its name, or name=version.'],
  ])('in the packages %j', (text, problem) => expect(aptProblem(text)).toBe(problem));

  it.each([
    ['torch==2.6.0\nnumpy', null],
    ['-r other.txt', '“-r other.txt” is an option of the installer, not a package.'],
  ])('in the requirements %j', (text, problem) => expect(requirementsProblem(text)).toBe(problem));
});
