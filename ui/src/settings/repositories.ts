/** A code repository while it is typed. */
import type { CodeRepository, RepositoryKind } from '../lib/ipc';

export const kinds: { value: RepositoryKind; label: string }[] = [
  { value: 'git', label: 'Git' },
  { value: 'github', label: 'GitHub' },
  { value: 'gitlab', label: 'GitLab' },
];

export function kindWord(kind: RepositoryKind): string {
  return kinds.find((one) => one.value === kind)?.label ?? kind;
}

/** The kind that an address suggests. */
export function kindOf(url: string): RepositoryKind {
  const host = /^(?:[a-z+]+:\/\/)?(?:[^@/]*@)?([^/:]+)[/:]/i.exec(url.trim())?.[1]?.toLowerCase() ?? '';
  if (/(^|\.)github\./.test(host)) return 'github';
  return /(^|\.)gitlab\./.test(host) ? 'gitlab' : 'git';
}

/** The name that an address suggests. */
export function nameOf(url: string): string {
  const last = url.trim().replace(/\/+$/, '').split(/[/:]/).at(-1) ?? '';
  return last
    .replace(/\.git$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
}

export type RepositoryProblems = Partial<Record<'name' | 'url', string>>;

/** Everything that keeps a repository from being stored; `taken` are the names of others. */
export function problemsOf(repository: CodeRepository, taken: readonly string[]): RepositoryProblems {
  const problems: RepositoryProblems = {};
  const name = repository.name.trim();
  const url = repository.url.trim();
  if (!name) problems.name = 'Give it a name.';
  else if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name))
    problems.name = 'Up to 40 small letters, digits and “-”, a letter or digit first.';
  else if (taken.includes(name)) problems.name = 'Another one has this name.';
  if (!url) problems.url = 'Its address, as “git remote” shows it.';
  else if (url.startsWith('-') || /\s/.test(url)) problems.url = 'This is no address.';
  else if (/^[a-z+]+:\/\/[^/@]*:[^/@]*@/i.test(url))
    problems.url = 'Without the password: git’s own credential helper keeps it.';
  else if (!/^((https?|ssh|git|file):\/\/.|[\w.-]+@[\w.-]+:.|\/.|[A-Za-z]:[\\/].)/i.test(url))
    problems.url = 'https://…, ssh://…, user@host:path, file://… or a whole path.';
  return problems;
}
