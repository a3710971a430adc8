import { expect, it } from 'vitest';
import { problemsOf, withBack } from './codeBuilders';

const one = (language: string, image = `${language}:1`) => ({ language, image });

it.each([one('python'), one('c_sharp'), one('r-4.3'), one('go', 'localhost:5000/Base@sha256:00')])(
  '%j can be stored',
  (builder) => expect(problemsOf(builder, ['rust'])).toEqual({}),
);

it.each([
  [{ language: '' }, 'language'],
  [{ language: 'C' }, 'language'],
  [{ language: 'c++' }, 'language'],
  [{ language: '.net' }, 'language'],
  [{ language: 'a--b' }, 'language'],
  [{ language: 'a'.repeat(41) }, 'language'],
  [{ language: 'rust' }, 'language'],
  [{ image: '' }, 'image'],
  [{ image: 'python 3' }, 'image'],
  [{ image: 'python:3\u0000' }, 'image'],
  [{ image: '--platform=x' }, 'image'],
])('%j is told to be wrong', (part, field) => {
  expect(Object.keys(problemsOf({ ...one('python'), ...part }, ['rust']))).toEqual([field]);
});

it('puts one back where it was, once', () => {
  const list = [one('go'), one('rust')];
  expect(withBack(list, one('node'), 1)).toEqual([one('go'), one('node'), one('rust')]);
  expect(withBack(list, one('rust', 'rust:2'), 0)).toEqual([one('rust', 'rust:2'), one('go')]);
});
