import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import { pipelineHandlers } from '../../tests/mock/pipeline';
import { handlers, type Handlers, mockEngine, settings, wireError } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import type { CodeRepository, Settings } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import SettingsView from './SettingsView.svelte';

function show(override: Handlers = {}) {
  mockEngine(handlers(20, { ...pipelineHandlers(), ...override }));
  app.settings = settings;
  render(Providers, { of: SettingsView });
}
const region = async (name: string) => within(await screen.findByRole('region', { name }));
const type = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });

beforeEach(() => {
  vi.spyOn(app, 'refresh').mockResolvedValue();
  toasts.list = [];
});

it('registers a code repository by its address alone', async () => {
  const saved = vi.fn(({ repository }: { repository: CodeRepository }) => repository);
  show({ save_code_repository: saved as never });
  const section = await region('Code repositories');
  expect(await section.findByText('https://github.com/lab/fraud-model.git')).toBeTruthy();
  await type('Address of the code repository', 'git@gitlab.example.org:lab/Pricing.git');
  expect((screen.getByLabelText('Name of the code repository') as HTMLInputElement).value).toBe('pricing');
  await fireEvent.click(section.getByRole('button', { name: 'Add' }));
  await vi.waitFor(() => expect(saved).toHaveBeenCalledOnce());
  expect(saved.mock.calls[0]?.[0].repository).toEqual({
    name: 'pricing',
    kind: 'gitlab',
    url: 'git@gitlab.example.org:lab/Pricing.git',
  });
  await vi.waitFor(() =>
    expect((screen.getByLabelText('Address of the code repository') as HTMLInputElement).value).toBe(''),
  );
});

it('says beside the fields what is wrong, also what only the engine knows', async () => {
  const saved = vi.fn(() => {
    throw wireError({ code: 'bad_request', message: 'the address does not answer' });
  });
  show({ save_code_repository: saved });
  const section = await region('Code repositories');
  await section.findByText('fraud');
  await type('Address of the code repository', 'https://a:b@host/fraud');
  await fireEvent.click(section.getByRole('button', { name: 'Add' }));
  expect(section.getByText(/^Without the password/)).toBeTruthy();
  expect(section.getByText('Another one has this name.')).toBeTruthy();
  expect(saved).not.toHaveBeenCalled();
  await type('Address of the code repository', 'https://host/other');
  await fireEvent.click(section.getByRole('button', { name: 'Add' }));
  expect(await section.findByText('The address does not answer.')).toBeTruthy();
});

it('removes a code repository, and brings it back', async () => {
  show();
  const section = await region('Code repositories');
  await fireEvent.click(await section.findByRole('button', { name: 'Remove fraud' }));
  await vi.waitFor(() => expect(section.queryByText('fraud')).toBeNull());
  toasts.list[0]?.action?.run();
  expect(await section.findByText('fraud')).toBeTruthy();
});

it('changes, adds, removes and resets integrations', async () => {
  const stored = vi.fn(({ settings }: { settings: Settings }) => settings);
  show({ set_settings: stored as never });
  const section = await region('Integrations');
  const last = () => stored.mock.lastCall?.[0].settings.integrations.map((one) => one.name);
  await fireEvent.click(section.getByRole('button', { name: 'Change sklearn' }));
  await type('Python requirements, one on each line', 'scikit-learn==1.5.0\njoblib');
  await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(await section.findByText('scikit-learn==1.5.0, joblib')).toBeTruthy();
  await fireEvent.click(section.getByRole('button', { name: 'Remove lightgbm' }));
  await vi.waitFor(() => expect(last()).toEqual(['sklearn']));
  await vi.waitFor(() => expect(toasts.list).toHaveLength(1));
  toasts.list[0]?.action?.run();
  await vi.waitFor(() => expect(last()).toEqual(['lightgbm', 'sklearn']));
  await fireEvent.click(section.getByRole('button', { name: 'Reset to defaults' }));
  await vi.waitFor(() => expect(last()).toContain('tensorflow'));
  await vi.waitFor(() =>
    expect(section.getByRole('button', { name: 'Reset to defaults' }).hasAttribute('disabled')).toBe(true),
  );
});
