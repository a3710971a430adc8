import { render, screen } from '@testing-library/svelte';
import { afterEach, expect, it, vi } from 'vitest';
import type { Preview } from '../lib/ipc';
import { preview as runConfig } from '../../tests/mock/pipeline';
import { handlers, mockEngine, preview, project } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import AddDialog from './AddDialog.svelte';
import { adding } from './adding.svelte';

function show(part: Partial<Preview> = {}) {
  const added = vi.fn(() => project);
  mockEngine(handlers(20, { preview_path: () => ({ ...preview, ...part }), add_project: added }));
  render(Providers, { of: AddDialog });
  adding.open([preview.path]);
  return added;
}

afterEach(() => (adding.queue = []));

it('shows what was recognised and its warnings with their places, and adds with one button', async () => {
  const added = show();
  expect(await screen.findByText('Workspace config, 2 tasks, image debian:12')).toBeTruthy();
  expect(screen.getByText('.gitpod.yml:11:5')).toBeTruthy();
  expect(added).not.toHaveBeenCalled();
  screen.getByRole('button', { name: 'Add redis' }).click();
  await vi.waitFor(() => expect(added).toHaveBeenCalledOnce());
});

it('offers no button that cannot work', async () => {
  const problem = {
    severity: 'error' as const,
    file: '.gitpod.yml',
    line: 3,
    column: 1,
    message: 'a task needs a command',
    hint: 'Add “init” or “command”.',
    snippet: '- name: build',
  };
  show({ can_add: false, problems: [problem] });
  expect(await screen.findByText('1 problem')).toBeTruthy();
  expect(screen.getByText('Add “init” or “command”.')).toBeTruthy();
  expect(screen.queryByRole('button', { name: /^Add/ })).toBeNull();
  expect(screen.getByRole('button', { name: 'Look again' })).toBeTruthy();
});

it('leads to a project that is already here', async () => {
  show({ already: project.id, can_add: false });
  expect(await screen.findByRole('button', { name: 'Open its history' })).toBeTruthy();
});

it('shows a run config with its pipeline and its steps', async () => {
  show(runConfig);
  expect(await screen.findByText('Run config, pipeline training, 3 steps')).toBeTruthy();
  expect(screen.getByText('Pipeline')).toBeTruthy();
  expect(screen.getByText('step train has its own image')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Add fraud-model' })).toBeTruthy();
});
