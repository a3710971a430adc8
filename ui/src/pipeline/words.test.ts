import { describe, expect, it } from 'vitest';
import { candidates, checkout, pipeline, pipelinePlan } from '../../tests/mock/pipeline';
import { headline, mark } from '../plan/words';
import { checkoutWords, conditionsWord, deliveryPhrase, pipelineHeadline, usableWord } from './words';

const is = (...decisions: ('reuse' | 'full')[]) =>
  decisions.map((decision) => ({ ...pipelinePlan().targets[0]!, decision }));

describe('a plan', () => {
  it.each([
    [is('reuse', 'reuse'), 'Nothing to build', 'built'],
    [is('reuse', 'full'), '1 of 2 images to build', 'base'],
    [is('full', 'full'), '2 images to build', 'none'],
    [is('full'), '1 image to build', 'none'],
    [is('reuse'), 'Nothing to build', 'built'],
    [[], 'No image to build', 'built'],
  ])('says how many images are there already', (targets, words, shape) => {
    expect(headline(pipelinePlan({ targets }))).toBe(words);
    expect(mark(pipelinePlan({ targets }))).toBe(shape);
  });

  it('says when the build was chosen by hand', () => {
    expect(pipelineHeadline(pipelinePlan({ pipeline: { ...pipeline, given: 'a1' } }))).toBe('A build of your choice');
  });

  it.each([
    ['included', 'included in the image'],
    ['code_repository', 'from code repository fraud at 9c1e77a'],
    ['artifact_store', 'from the artifact store'],
    ['none', 'not at all'],
  ] as const)('says how code gets in that is %s', (delivery, words) => {
    expect(deliveryPhrase({ delivery }, 'fraud', '9c1e77a0000')).toBe(words);
  });

  it('names no repository and no commit that it does not know', () => {
    expect(deliveryPhrase({ delivery: 'code_repository' }, null, null)).toBe('from a code repository');
  });

  it('says how many builds stay usable with a stack', () => {
    expect(usableWord(candidates, 'local')).toBe('1 of 2 builds usable with local');
    expect(usableWord(candidates.slice(1), 'gpu')).toBe('no build usable with gpu');
    expect(usableWord([], 'gpu')).toBe('no build to compare with gpu');
  });

  it('counts the conditions that fail', () => {
    expect(candidates.map(conditionsWord)).toEqual(['all 2 conditions hold', '2 of 4 conditions fail']);
    expect(conditionsWord({ conditions: [] })).toBe('');
  });
});

describe('a checkout', () => {
  it.each([
    [{}, ['clean']],
    [{ uncommitted: true }, ['uncommitted changes']],
    [{ untracked: true, unpushed: true }, ['untracked files', 'not pushed']],
    [{ unpushed: true }, ['clean', 'not pushed']],
    [{ branch: null }, ['clean', 'detached HEAD']],
    [{ commit: null, branch: null }, ['clean', 'no commit yet']],
  ])('%j is told in words', (part, words) => {
    expect(checkoutWords({ ...checkout, ...part }).map((one) => one.word)).toEqual(words);
  });

  it('of an older commit has no branch, and that is no news', () => {
    expect(checkoutWords({ ...checkout, branch: null }, false).map((one) => one.word)).toEqual(['clean']);
  });
});
