import { expect, it } from 'vitest';
import { pipelineRun } from '../../tests/mock/pipeline';
import { codeOf, doneSteps, elapsed, firstLineWord, stepElapsed, stepWord } from './words';

it('says which code ran, or that nobody can get exactly that', () => {
  expect(codeOf({ commit: '9c1e77a0', base_commit: '9c1e77a0' })).toEqual({ commit: '9c1e77a0', words: '9c1e77a' });
  expect(codeOf({ commit: null, base_commit: '3f2a91c0' })).toEqual({
    commit: '3f2a91c0',
    words: 'uncommitted changes on 3f2a91c',
  });
});

it.each([
  ['pending', null, null, true, 'waits'],
  ['pending', null, null, false, 'not run'],
  ['running', null, 5, true, 'running'],
  ['done', 0, 5, false, 'exit code 0'],
  ['done', null, 5, false, 'done'],
  ['failed', 2, 5, false, 'exit code 2'],
  ['failed', null, 5, false, 'failed'],
  ['cancelled', null, null, false, 'not run'],
  ['cancelled', 137, 5, false, 'stopped'],
] as const)('a step that is %s with %s is told', (status, exit_code, started_at, active, word) => {
  const step = { ...pipelineRun().steps[0]!, status, exit_code, started_at };
  expect(stepWord(step, active)).toBe(word);
});

it('counts on while it runs, and stands still afterwards', () => {
  const run = pipelineRun({ status: 'running', created_at: 1000, duration_ms: 500 });
  expect(elapsed(run, 3000)).toBe(2000);
  expect(elapsed(run, 1100), 'clocks may disagree').toBe(500);
  expect(elapsed({ ...run, status: 'succeeded' }, 3000)).toBe(500);
  const step = run.steps[0]!;
  expect(stepElapsed({ ...step, status: 'running', started_at: 1000, duration_ms: null }, 3000)).toBe(2000);
  expect(stepElapsed({ ...step, status: 'done', duration_ms: 70 }, 3000)).toBe(70);
});

it('counts steps that are done and says when the first line came', () => {
  expect(doneSteps(pipelineRun())).toBe(3);
  expect(firstLineWord(pipelineRun())).toBe('840 ms to the first line');
  expect(firstLineWord(pipelineRun({ first_output_ms: null, status: 'running' }))).toBe('no line yet');
  expect(firstLineWord(pipelineRun({ first_output_ms: null }))).toBe('wrote nothing');
});
