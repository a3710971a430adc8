import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
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

it('changes, adds and removes what builders of code begin with', async () => {
  const stored = vi.fn(({ settings }: { settings: Settings }) => settings);
  show({ set_settings: stored as never });
  const section = await region('Builders of code');
  const last = () => stored.mock.lastCall?.[0].settings.builder_images.map((one) => `${one.language} ${one.image}`);
  const enter = async (label: string, value: string) => {
    await type(label, value);
    await fireEvent.change(screen.getByLabelText(label));
  };
  await enter('Image for python', ' acme/python:3.9 ');
  await vi.waitFor(() =>
    expect(last()).toEqual(['go golang:latest', 'node node:lts', 'python acme/python:3.9', 'rust rust:1']),
  );
  const row = screen.getByLabelText('Language rust');
  await enter('Language rust', 'rust-nightly');
  await vi.waitFor(() => expect(last()?.[3]).toBe('rust-nightly rust:1'));
  expect(await section.findByLabelText('Image for rust-nightly')).toBeTruthy();
  expect(screen.getByLabelText('Language rust-nightly'), 'a renamed row keeps the focus').toBe(row);

  await type('New language', 'haskell');
  await type('Its image', 'haskell:9');
  await fireEvent.click(section.getByRole('button', { name: 'Add' }));
  await vi.waitFor(() => expect(last()?.[4]).toBe('haskell haskell:9'));
  await vi.waitFor(() => expect((screen.getByLabelText('New language') as HTMLInputElement).value).toBe(''));

  await fireEvent.click(section.getByRole('button', { name: 'Remove node' }));
  await vi.waitFor(() => expect(section.queryByLabelText('Image for node')).toBeNull());
  await vi.waitFor(() => expect(toasts.list).toHaveLength(1));
  expect(last()).toHaveLength(4);
  toasts.list[0]?.action?.run();
  await vi.waitFor(() => expect(last()?.[1]).toBe('node node:lts'));
  expect(last()).toHaveLength(5);
});

it('stores no builder of code that is wrong, and keeps what is half typed', async () => {
  // As the real engine answers: the same words, in new objects.
  const stored = vi.fn(({ settings }: { settings: Settings }) => structuredClone(settings));
  show({ set_settings: stored as never });
  const section = await region('Builders of code');
  const image = screen.getByLabelText('Image for go') as HTMLInputElement;
  await type('Image for go', 'golang latest');
  await fireEvent.change(image);
  await type('Language node', 'python');
  await fireEvent.change(screen.getByLabelText('Language node'));
  expect(section.getByText('This is not an image reference.')).toBeTruthy();
  expect(section.getByText('It has an image already.')).toBeTruthy();
  await fireEvent.click(section.getByRole('button', { name: 'Add' }));
  expect(section.getByText('Name the language.')).toBeTruthy();
  expect(section.getByText('An image, such as python:3.')).toBeTruthy();
  expect(stored).not.toHaveBeenCalled();

  await type('Image for rust', 'rust:2');
  await fireEvent.change(screen.getByLabelText('Image for rust'));
  await vi.waitFor(() => expect(stored).toHaveBeenCalledOnce());
  expect(stored.mock.calls[0]?.[0].settings.builder_images).toEqual(
    settings.builder_images.map((one) => (one.language === 'rust' ? { ...one, image: 'rust:2' } : one)),
  );
  await vi.waitFor(() => expect(app.settings).toBe(stored.mock.results[0]?.value));
  await tick();
  expect(image.value, 'a save of another row takes nothing away').toBe('golang latest');
});

it('keeps a language that the engine refuses in its fields', async () => {
  show({
    set_settings: () => {
      throw wireError({ code: 'bad_request', message: 'the settings are in use' });
    },
  });
  const section = await region('Builders of code');
  await type('New language', 'haskell');
  await type('Its image', 'haskell:9');
  await fireEvent.click(section.getByRole('button', { name: 'Add' }));
  await vi.waitFor(() => expect(toasts.list[0]?.text).toContain('The settings are in use'));
  expect((screen.getByLabelText('New language') as HTMLInputElement).value).toBe('haskell');
  expect(section.queryByLabelText('Image for haskell')).toBeNull();
  toasts.list = [];
  await fireEvent.click(section.getByRole('button', { name: 'Remove go' }));
  await vi.waitFor(() => expect(toasts.list).toHaveLength(1));
  expect(section.getByLabelText('Image for go'), 'what could not be removed is there').toBeTruthy();
  expect(toasts.list.some((toast) => toast.action)).toBe(false);
});
