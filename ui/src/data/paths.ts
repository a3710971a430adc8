/** Paths within a commit, which begin with `/`, and sources on this machine that go there. */
import type { PutSource } from '../lib/ipc';

/** The folder that a path lies in. */
export function parentOf(path: string): string {
  const at = path.replace(/\/+$/, '').lastIndexOf('/');
  return at <= 0 ? '/' : path.slice(0, at);
}

/** A path within a folder. */
export function within(folder: string, name: string): string {
  return `${folder.replace(/\/+$/, '')}/${name}`;
}

/** The last part of a path, of this machine or of a commit. */
export function baseName(path: string): string {
  return (
    path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1) ?? ''
  );
}

/** The folders on the way to a path, each with where it leads, the top first. */
export function crumbs(path: string): { name: string; path: string }[] {
  const parts = path.split('/').filter(Boolean);
  return parts.map((name, i) => ({ name, path: `/${parts.slice(0, i + 1).join('/')}` }));
}

/** A path as it is typed, made one of a commit. */
export function asFolder(typed: string): string {
  const parts = typed.trim().split('/').filter(Boolean);
  return `/${parts.join('/')}`;
}

/** Where each path of this machine goes below a folder; one that ends in a separator brings what is in it, without itself. */
export function sourcesFor(paths: readonly string[], folder: string): PutSource[] {
  return paths.map((path) => {
    const contents = /[\\/]$/.test(path);
    const from = contents && path.length > 1 ? path.replace(/[\\/]+$/, '') : path;
    return { from, to: contents ? folder : within(folder, baseName(path)) };
  });
}

/** The paths of a text, one on each line. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}
