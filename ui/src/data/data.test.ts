import { describe, expect, it, vi } from 'vitest';
import { commit, dataHandlers, repos, top } from '../../tests/mock/data';
import { mockEngine, wireError } from '../../tests/mock/world';
import { app } from '../lib/state/app.svelte';
import { asFolder, baseName, crumbs, linesOf, parentOf, sourcesFor, within } from './paths';
import { Putting } from './putting.svelte';
import { ChangeRows, EntryRows } from './rows.svelte';
import { changeSize, firstBranch, hexDump, isWritable, nameProblem, putWords, sizeWords } from './words';

describe('paths', () => {
  it('lead up and down', () => {
    expect([parentOf('/a/b.txt'), parentOf('/a'), parentOf('/'), parentOf('/a/b/')]).toEqual(['/a', '/', '/', '/a']);
    expect([within('/', 'a'), within('/a', 'b')]).toEqual(['/a', '/a/b']);
    expect([baseName('/home/x/pages/'), baseName('C:\\pages\\one.html')]).toEqual(['pages', 'one.html']);
    expect(crumbs('/a/b')).toEqual([
      { name: 'a', path: '/a' },
      { name: 'b', path: '/a/b' },
    ]);
    expect([crumbs('/'), asFolder(' a//b/ '), asFolder('')]).toEqual([[], '/a/b', '/']);
  });

  it('of this machine go below a folder, and with a separator at the end without themselves', () => {
    expect(sourcesFor(['/home/x/one.html', '/home/x/pages', '/home/x/pages/'], '/in')).toEqual([
      { from: '/home/x/one.html', to: '/in/one.html' },
      { from: '/home/x/pages', to: '/in/pages' },
      { from: '/home/x/pages', to: '/in' },
    ]);
    expect(linesOf(' /a \n\n/b')).toEqual(['/a', '/b']);
  });
});

it('lets users change what no pipeline writes, and code', () => {
  expect(isWritable(repos[2]!, 'master')).toBe(true);
  expect([isWritable(repos[0]!, 'master'), isWritable(repos[1]!, 'build'), isWritable(repos[1]!, 'source')]).toEqual([
    false,
    false,
    true,
  ]);
  expect(firstBranch(repos[2]!)?.name).toBe('master');
  expect(firstBranch(repos[1]!)?.name).toBe('build');
  expect(firstBranch({ branches: [] })).toBeNull();
});

it('says what is there and what came', () => {
  expect([sizeWords(null), sizeWords({ files: 1, bytes: 2000 })]).toEqual(['empty', '1 file, 2.0 kB']);
  expect(changeSize({ before: null, after: 12_031 })).toBe('12 kB');
  expect(changeSize({ before: 1700, after: 1840 })).toBe('1.7 kB → 1.8 kB');
  expect(changeSize({ before: 900, after: null })).toBe('900 B');
  const report = { commit: commit(6), new: true, files: 2, bytes: 4000, stored: 1000, warnings: [] };
  expect(putWords(report)).toBe('2 files, 4.0 kB, 1.0 kB of it new to the store: commit 0606060.');
  expect(putWords({ ...report, files: 0 })).toBe('Commit 0606060.');
  expect(putWords({ ...report, new: false })).toContain('no commit');
  expect([nameProblem(''), nameProblem('a_b-1')]).toEqual([null, null]);
  expect(nameProblem('a b')).toContain('only');
});

it('shows bytes beside what they are as text', () => {
  expect(hexDump('89504e470d0a1a0a'.repeat(2) + '41')).toBe(
    '00000000  89 50 4e 47 0d 0a 1a 0a  89 50 4e 47 0d 0a 1a 0a  .PNG.....PNG....\n' +
      '00000010  41                                                A',
  );
  expect(hexDump('')).toBe('');
});

it('lists a folder page by page, and differences with their counts', async () => {
  mockEngine(dataHandlers());
  const rows = new EntryRows(null, 'c', '/');
  await rows.restart();
  expect([rows.total, rows.row(0)?.name, rows.row(150)]).toEqual([top.length, '2026', undefined]);
  rows.ensure(150, 160);
  await expect.poll(() => rows.row(150)?.name).toBe(top[150]?.name);
  const changes = new ChangeRows(null, null, 'c');
  await changes.restart();
  expect([changes.total, changes.counts]).toEqual([3, { added: 1, changed: 1, removed: 1 }]);
});

describe('putting files', () => {
  const request = { stack: null, repo: 'scraper', branch: 'master', sources: [], remove: [], message: null };

  it('lets the pipelines have what is new', async () => {
    vi.spyOn(app, 'refresh').mockResolvedValue();
    const processed = vi.fn((_: { branch: string }) => ['j1', 'j2']);
    mockEngine(dataHandlers({ process_data: processed as never }));
    const putting = new Putting();
    expect(await putting.put(request)).toBe(true);
    expect(processed.mock.calls[0]?.[0]).toMatchObject({ repo: 'scraper', branch: 'master' });
    expect([putting.jobs, putting.busy, putting.progress]).toEqual([['j1', 'j2'], false, null]);
  });

  it('starts nothing when nothing differs', async () => {
    const processed = vi.fn(() => []);
    const same = { commit: commit(5), new: false, files: 1, bytes: 1, stored: 0, warnings: [] };
    mockEngine(dataHandlers({ process_data: processed, put_data_files: () => same }));
    const putting = new Putting();
    expect(await putting.put(request)).toBe(true);
    expect(processed).not.toHaveBeenCalled();
  });

  it('keeps what went wrong', async () => {
    mockEngine(
      dataHandlers({
        put_data_files: () => {
          throw wireError({ message: 'no space is left' });
        },
      }),
    );
    const putting = new Putting();
    expect(await putting.put(request)).toBe(false);
    expect([putting.failure?.message, putting.busy]).toEqual(['no space is left', false]);
  });
});
