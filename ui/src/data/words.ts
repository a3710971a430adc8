/** What data repositories say, in words. */
import type { DataBranch, DataChange, DataChangeKind, DataCommit, DataRepo, PutReport } from '../lib/ipc';
import { bytes, plural } from '../lib/ui/format';

/** Whether users may change a branch: of what no pipeline writes, and the code of a pipeline. */
export function isWritable(repo: Pick<DataRepo, 'pipeline'>, branch: string): boolean {
  return repo.pipeline === null || branch === 'source';
}

/** The branch that is shown first. */
export function firstBranch(repo: Pick<DataRepo, 'branches'>): DataBranch | null {
  const master = repo.branches.find((branch) => branch.name === 'master');
  return master ?? repo.branches.find((branch) => branch.head !== null) ?? repo.branches[0] ?? null;
}

/** "240 files, 4.9 MB" */
export function sizeWords(commit: Pick<DataCommit, 'files' | 'bytes'> | null): string {
  return commit ? `${plural(commit.files, 'file')}, ${bytes(commit.bytes)}` : 'empty';
}

const changeWords: Record<DataChangeKind, string> = { added: 'added', changed: 'changed', removed: 'removed' };
const changeSigns: Record<DataChangeKind, string> = { added: '+', changed: '±', removed: '−' };

export function changeWord(kind: DataChangeKind): string {
  return changeWords[kind];
}

export function changeSign(kind: DataChangeKind): string {
  return changeSigns[kind];
}

/** "12 kB", "1.7 kB → 1.8 kB" */
export function changeSize({ before, after }: Pick<DataChange, 'before' | 'after'>): string {
  if (before === null) return after === null ? '' : bytes(after);
  return after === null ? bytes(before) : `${bytes(before)} → ${bytes(after)}`;
}

/** What a commit brought, one sentence. */
export function putWords(report: PutReport): string {
  if (!report.new) return 'Nothing differs from what is there: no commit was made.';
  const stored = report.stored < report.bytes ? `, ${bytes(report.stored)} of it new to the store` : '';
  return report.files
    ? `${plural(report.files, 'file')}, ${bytes(report.bytes)}${stored}: commit ${report.commit.id.slice(0, 7)}.`
    : `Commit ${report.commit.id.slice(0, 7)}.`;
}

/** What is wrong with a name of a repository or branch, or nothing. */
export function nameProblem(name: string): string | null {
  if (name === '' || /^[A-Za-z0-9_-]+$/.test(name)) return null;
  return 'Letters, digits, “_” and “-” only.';
}

/** Bytes as a hex dump: offset, bytes in pairs of eight, and what they are as text. */
export function hexDump(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  const lines: string[] = [];
  for (let at = 0; at < pairs.length; at += 16) {
    const row = pairs.slice(at, at + 16);
    const text = row.map((pair) => {
      const code = parseInt(pair, 16);
      return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '.';
    });
    const halves = [row.slice(0, 8).join(' '), row.slice(8).join(' ')].join('  ').padEnd(49);
    lines.push(`${at.toString(16).padStart(8, '0')}  ${halves} ${text.join('')}`);
  }
  return lines.join('\n');
}
