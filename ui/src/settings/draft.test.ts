import { expect, it } from 'vitest';
import { settings } from '../../tests/mock/world';
import { imageProblem, numberRules, problemOf, shownNumber, withNumber } from './draft';

it('shows the time limit in minutes and stores seconds', () => {
  expect(shownNumber(settings, 'timeout_s')).toBe('60');
  expect(withNumber(settings, 'timeout_s', ' 90 ').timeout_s).toBe(5400);
});

it.each([
  ['', 'A whole number, please.'],
  ['2.5', 'A whole number, please.'],
  ['-1', 'A whole number, please.'],
  ['0', 'Between 1 and 32.'],
  ['33', 'Between 1 and 32.'],
  ['4', null],
])('says what is wrong with %j', (typed, problem) => expect(problemOf(typed, numberRules.concurrency)).toBe(problem));

it('refuses what cannot be an image', () => {
  expect(imageProblem('gitpod/workspace-full:latest')).toBeNull();
  expect(imageProblem('localhost:5000/a@sha256:00')).toBeNull();
  expect(imageProblem('--privileged')).not.toBeNull();
  expect(imageProblem('')).not.toBeNull();
});
