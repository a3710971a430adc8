import { beforeEach, expect, it, vi } from 'vitest';
import { handlers, type Handlers, mockEngine, preview, project, wireError } from '../../tests/mock/world';
import { toasts } from '../lib/state/toasts.svelte';
import { Adding, pathIn } from './adding.svelte';

const adding = () => new Adding();
const engine = (override: Handlers = {}) => mockEngine(handlers(20, override));

beforeEach(() => {
  engine();
  toasts.list = [];
});

it('already says what it is while it is held over the window', async () => {
  const it = adding();
  it.apply({ type: 'enter', paths: ['/a'] });
  await vi.waitFor(() => expect(it.preview.data?.recognised?.summary).toMatch(/2 tasks/));
  expect(it.path).toBeNull();
  it.apply({ type: 'leave' });
  expect(it.hovering).toEqual([]);
});

it('previews what was dropped, one after the other, and adds only on request', async () => {
  const added: string[] = [];
  engine({ add_project: (({ path }: { path: string }) => (added.push(path), project)) as never });
  const it = adding();
  it.apply({ type: 'drop', paths: ['/a', '/b'] });
  await vi.waitFor(() => expect(it.preview.data).toBeDefined());
  expect(added).toEqual([]);
  await it.add();
  expect(added).toEqual(['/a']);
  expect(it.path).toBe('/b');
});

it('keeps the preview open when adding fails, and says why', async () => {
  engine({
    add_project: () => {
      throw wireError({ code: 'config', message: 'the recipe cannot be used' });
    },
  });
  const it = adding();
  it.open(['/a']);
  await it.add();
  expect(it.path).toBe('/a');
  expect(toasts.list[0]?.text).toBe('The recipe cannot be used');
});

it('does not show the preview of another path', async () => {
  let answer: (value: unknown) => void = () => {};
  engine({
    preview_path: (({ path }: { path: string }) =>
      path === '/slow' ? new Promise((resolve) => (answer = resolve)) : { ...preview, path }) as never,
  });
  const it = adding();
  it.open(['/slow']);
  it.open(['/fast']);
  await vi.waitFor(() => expect(it.preview.data?.path).toBe('/fast'));
  answer({ ...preview, path: '/slow' });
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(it.preview.data?.path).toBe('/fast');
});

it.each([
  ['/home/mira/src/redis', '/home/mira/src/redis'],
  ['  /tmp/with space \n', '/tmp/with space'],
  ['file:///tmp/a%20b', '/tmp/a b'],
  ['C:\\work\\redis', 'C:\\work\\redis'],
  ['fix: the parser', null],
  ['/', null],
  ['/a\n/b', null],
  ['https://example.org', null],
])('finds in pasted text %j the path %j', (text, path) => expect(pathIn(text)).toBe(path));
