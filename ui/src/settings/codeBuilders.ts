/** The images that builders of code begin with, while they are typed. */
import type { BuilderImage } from '../lib/ipc';

export type BuilderProblems = Partial<Record<keyof BuilderImage, string>>;

/** Everything that keeps one from being stored; `taken` are the languages of others. Limits are the engine's. */
export function problemsOf({ language, image }: BuilderImage, taken: readonly string[]): BuilderProblems {
  const problems: BuilderProblems = {};
  if (!language) problems.language = 'Name the language.';
  else if (!/^[a-z0-9]+([-._][a-z0-9]+)*$/.test(language))
    problems.language = 'Small letters, digits, and single “_”, “.”, “-” in between.';
  else if (language.length > 40) problems.language = 'At most 40 letters.';
  else if (taken.includes(language)) problems.language = 'It has an image already.';
  if (!image) problems.image = 'An image, such as python:3.';
  // Control characters would end the line of the Dockerfile that the image becomes.
  else if (image.startsWith('-') || /[\s\p{Cc}]/u.test(image)) problems.image = 'This is not an image reference.';
  return problems;
}

/** What is typed, without the spaces around it. */
export function trimmed({ language, image }: BuilderImage): BuilderImage {
  return { language: language.trim(), image: image.trim() };
}

/** The list with one put back where it was, in place of what its language has got since. */
export function withBack(list: readonly BuilderImage[], one: BuilderImage, at: number): BuilderImage[] {
  return list.filter(({ language }) => language !== one.language).toSpliced(at, 0, one);
}
