import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import { commit, commits, dataHandlers, running } from '../../tests/mock/data';
import { handlers, type Handlers, mockEngine, wireError } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import type { PutRequest } from '../lib/ipc';
import { actions } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { adding } from '../project/adding.svelte';
import DataRepoView from './DataRepoView.svelte';

function show(at: { repo?: string; commit?: string; path?: string; branch?: string } = {}, override: Handlers = {}) {
  mockEngine(handlers(20, dataHandlers(override)));
  const having = { screen: { name: 'data-repo', stack: null, repo: 'scraper', ...at } };
  return render(Providers, { of: DataRepoView, having });
}
Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 1200 });

const press = (key: string) => actions.press(new KeyboardEvent('keydown', { key }));
const files = () => screen.findByRole('listbox', { name: 'Files' });
const names = async () => [...(await files()).querySelectorAll('[role=option] .name')].map((one) => one.textContent);
const open = async (name: string) => {
  await files();
  const row = screen.getAllByRole('option').find((one) => one.querySelector('.name')?.textContent === name);
  await fireEvent.click(row as HTMLElement);
};

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  toasts.list = [];
  app.router.go({ name: 'runs' });
});

it('browses the newest commit: folders down and up, names without hidden marks', async () => {
  show();
  await waitFor(async () =>
    expect((await names()).slice(0, 4)).toEqual(['2026', 'images', 'README.md', '⟨202E⟩page-000.html']),
  );
  await open('images');
  await waitFor(async () => expect(await names()).toEqual(['cover.png', 'blob.bin']));
  expect(screen.getByRole('navigation', { name: 'Folder' }).textContent).toMatch(/scraper.*images/);
  await fireEvent.click(screen.getByRole('button', { name: 'scraper' }));
  await waitFor(async () => expect((await names())[0]).toBe('2026'));
});

it('shows text as text, pictures as pictures, and the first bytes of anything else', async () => {
  const { container } = show({ path: '/images' });
  await waitFor(async () => expect(await names()).toEqual(['cover.png', 'blob.bin']));
  await open('cover.png');
  const picture = await screen.findByRole<HTMLImageElement>('img', { name: 'cover.png' });
  expect(picture.src).toMatch(/^data:image\/png;base64,iVBOR/);
  await open('blob.bin');
  expect((await screen.findByLabelText('First bytes')).textContent).toContain('89 50 4e 47');
  await fireEvent.click(screen.getByRole('button', { name: 'scraper' }));
  await open('README.md');
  expect((await screen.findByLabelText('Text')).textContent).toContain('<h1>/README.md</h1>');
  expect(container.querySelector('pre h1'), 'a file is text').toBeNull();
});

it('shows the file that a link leads to, in its folder', async () => {
  show({ commit: commits[0]!.id, path: '/images/cover.png' });
  expect(await screen.findByRole('region', { name: 'File cover.png' })).toBeTruthy();
  await waitFor(async () => expect(await names()).toEqual(['cover.png', 'blob.bin']));
});

it('compares a commit with its parent, or with another one', async () => {
  const asked = vi.fn();
  const diff = dataHandlers().diff_data_commits as (args: unknown) => unknown;
  show({}, { diff_data_commits: ((args: unknown) => (asked(args), diff(args))) as never });
  await files();
  await fireEvent.click(screen.getByRole('radio', { name: 'Changes' }));
  expect(await screen.findByText('1 file added, 1 file changed, 1 file removed')).toBeTruthy();
  expect(asked.mock.lastCall?.[0]).toMatchObject({ from: commit(4).id, to: commit(5).id });
  const oldest = screen.getByRole('button', { name: /236 files added/ });
  await fireEvent.click(oldest, { shiftKey: true });
  await waitFor(() => expect(asked.mock.lastCall?.[0]).toMatchObject({ from: commit(1).id, to: commit(5).id }));
  await fireEvent.click(oldest);
  await waitFor(() => expect(asked.mock.lastCall?.[0]).toMatchObject({ from: null, to: commit(1).id }));
});

it('takes dropped files into the folder that is shown, and leads to the jobs', async () => {
  const put = vi.fn((_: { request: PutRequest }) => ({
    commit: commit(6),
    new: true,
    files: 2,
    bytes: 24_000,
    stored: 12_000,
    warnings: ['a link was left out'],
  }));
  const { unmount } = show({ path: '/2026' }, { put_data_files: put as never });
  await files();
  adding.apply({ type: 'drop', paths: ['/home/mira/page-1.html', '/home/mira/more/'] });
  await screen.findByRole('dialog', { name: 'Add files to scraper@master' });
  expect(adding.path, 'it is no project').toBeNull();
  expect((screen.getByRole('textbox', { name: 'Folder in the repository' }) as HTMLInputElement).value).toBe('/2026');
  await fireEvent.click(screen.getByRole('button', { name: 'Add 2 paths' }));
  await waitFor(() => expect(put).toHaveBeenCalledOnce());
  expect(put.mock.calls[0]?.[0].request).toEqual({
    stack: null,
    repo: 'scraper',
    branch: 'master',
    sources: [
      { from: '/home/mira/page-1.html', to: '/2026/page-1.html' },
      { from: '/home/mira/more', to: '/2026' },
    ],
    remove: [],
    message: null,
  });
  expect(await screen.findByText('2 files, 24 kB, 12 kB of it new to the store: commit 0606060.')).toBeTruthy();
  expect(screen.getByText('A link was left out.')).toBeTruthy();
  (await screen.findByRole('button', { name: /^Show job/ })).click();
  expect(app.router.screen).toEqual({ name: 'job', job: running.id });
  unmount();
  expect(adding.taker, 'elsewhere a drop is a project again').toBeNull();
});

it('deletes ticked files after asking, as a commit', async () => {
  const put = vi.fn((_: { request: PutRequest }) => ({
    commit: commit(6),
    new: true,
    files: 0,
    bytes: 0,
    stored: 0,
    warnings: [],
  }));
  show({}, { put_data_files: put as never });
  await fireEvent.click(await screen.findByRole('checkbox', { name: 'Select README.md' }));
  await fireEvent.click(screen.getByRole('checkbox', { name: 'Select images' }));
  press('Delete');
  await screen.findByRole('dialog', { name: 'Delete 2 paths from master?' });
  expect(put).not.toHaveBeenCalled();
  await fireEvent.click(screen.getByRole('button', { name: 'Delete' }));
  await waitFor(() => expect(put.mock.calls[0]?.[0].request).toMatchObject({ remove: ['/README.md', '/images'] }));
});

it('lets nobody change what a pipeline writes, nor an older commit', async () => {
  const { unmount } = show({ repo: 'map' });
  await files();
  expect(screen.queryByRole('button', { name: /^Add files/ })).toBeNull();
  expect(screen.queryByRole('checkbox')).toBeNull();
  expect(adding.taker).toBeNull();
  unmount();
  show();
  await screen.findAllByRole('checkbox');
  await fireEvent.click(screen.getByRole('button', { name: /236 files added/ }));
  expect(await screen.findByText('older commit')).toBeTruthy();
  expect(screen.queryByRole('checkbox')).toBeNull();
});

it('keeps the question open when a repository cannot be deleted', async () => {
  show(
    {},
    {
      delete_data_repo: () => {
        throw wireError({ message: 'map reads scraper', hint: 'Delete the pipeline first.' });
      },
    },
  );
  await files();
  await fireEvent.pointerDown(screen.getByRole('button', { name: 'More' }), { button: 0, pointerType: 'mouse' });
  await fireEvent.click(await screen.findByRole('menuitem', { name: 'Delete repository…' }));
  await fireEvent.click(await screen.findByRole('button', { name: 'Delete repository' }));
  expect(await screen.findByText('Map reads scraper.')).toBeTruthy();
  expect(screen.getByRole('dialog')).toBeTruthy();
});

it('exports what is shown to a folder', async () => {
  const wrote = vi.fn((_: unknown) => ({ files: 240, bytes: 4_900_000 }));
  show({ path: '/images' }, { export_data: wrote as never });
  await files();
  press('e');
  await screen.findByRole('dialog', { name: 'Export /images' });
  await fireEvent.input(screen.getByRole('textbox', { name: 'Folder to export to' }), {
    target: { value: '/tmp/out' },
  });
  await fireEvent.click(screen.getByRole('button', { name: 'Export' }));
  await waitFor(() => expect(wrote.mock.lastCall?.[0]).toMatchObject({ path: '/images', folder: '/tmp/out' }));
  await waitFor(() => expect(toasts.list[0]?.text).toBe('240 files, 4.9 MB written to /tmp/out.'));
});

it('says when there is no such repository, with a way out', async () => {
  show(
    { repo: 'gone' },
    {
      get_data_repo: () => {
        throw wireError({ code: 'not_found', message: 'there is no repository gone' });
      },
    },
  );
  expect(await screen.findByText('There is no repository gone.')).toBeTruthy();
  screen.getByRole('button', { name: 'Show all repositories' }).click();
  expect(app.router.screen).toEqual({ name: 'data', tab: 'repositories' });
});
