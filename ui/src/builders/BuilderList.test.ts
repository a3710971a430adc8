import { fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { beforeEach, expect, it, vi } from 'vitest';
import { builderHandlers, own, resting } from '../../tests/mock/builders';
import { type Handlers, mockEngine, wireError } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import { actions } from '../lib/state/actions.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import BuilderList from './BuilderList.svelte';

function show(override: Handlers = {}) {
  mockEngine({ ...builderHandlers([own, resting]), ...override });
  return render(Providers, { of: BuilderList });
}
const card = (name: string) => screen.findByRole('listitem', { name: `Builder ${name}` });
const act = (title: string) => actions.list.find((action) => action.title === title)?.run();

beforeEach(() => (toasts.list = []));

it('says of each builder whether it exports caches, and if not why and what to do', async () => {
  show();
  const engines = await card('default');
  expect(within(engines).getByText('Cannot export registry caches')).toBeTruthy();
  expect(within(engines).getByText(/classic store.*make a docker-container builder\.$/)).toBeTruthy();
  expect(within(engines).queryByText('Transfers images')).toBeNull();
  expect(await within(engines).findByText('4.2 GB')).toBeTruthy();
  const team = await card('team');
  expect(within(team).getByText('Exports registry caches')).toBeTruthy();
  expect(within(team).getByText('Transfers images')).toBeTruthy();
});

it('asks only running builders for their cache', async () => {
  const asked = vi.fn(builderHandlers().builder_usage);
  show({ builder_usage: asked });
  await waitFor(() => expect(asked).toHaveBeenCalled());
  expect(asked.mock.calls).toEqual([[{ name: 'default' }]]);
});

it('selects with one button', async () => {
  show();
  const team = await card('team');
  await fireEvent.click(within(team).getByText('Select'));
  await waitFor(() => expect(within(team).getByText('selected')).toBeTruthy());
  expect(toasts.list.at(-1)?.text).toBe('Builds go to team now.');
});

it('keeps a failed start where it was asked for, with its way out', async () => {
  show();
  const team = await card('team');
  await fireEvent.click(within(team).getByText('Start'));
  expect(await within(team).findByText(/could not be pulled\.$/)).toBeTruthy();
  expect(within(team).getByText(/option image=/)).toBeTruthy();
  expect(within(team).getByText('Details')).toBeTruthy();
  const again = within(team).getByText('Start') as HTMLButtonElement;
  await waitFor(() => expect(again.disabled, 'it can be tried again').toBe(false));
});

it('shows what a prune frees before it does', async () => {
  const pruned = vi.fn(() => ({ builder: 'default', freed_bytes: 3_516_000_000 }));
  show({ prune_builder: pruned });
  await card('default');
  act('Prune cache of default');
  expect(await screen.findByText('3.5 GB')).toBeTruthy();
  expect(pruned).not.toHaveBeenCalled();
  await fireEvent.click(screen.getByText('Everything not in use'));
  await fireEvent.click(screen.getByRole('button', { name: 'Prune' }));
  await waitFor(() => expect(pruned).toHaveBeenCalledWith({ name: 'default', all: true }));
  await waitFor(() => expect(toasts.list.at(-1)?.text).toBe('3.5 GB freed from default.'));
});

it('removes after a question, and never the builder of a context', async () => {
  show();
  await card('team');
  expect(actions.list.some((action) => action.title === 'Remove builder default')).toBe(false);
  act('Remove builder team');
  expect(await screen.findByText(/goes from buildx’s list/)).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Remove' }));
  await waitFor(() => expect(screen.queryByRole('listitem', { name: 'Builder team' })).toBeNull());
});

it('makes a builder from a form and keeps what was typed when that fails', async () => {
  const created = vi.fn<(args: unknown) => unknown>(() =>
    Promise.reject(wireError({ code: 'bad_request', message: 'invalid driver option nosuch', hint: 'give another' })),
  );
  show({ create_builder: created });
  await card('team');
  act('New builder');
  const name = (await screen.findByLabelText('Name')) as HTMLInputElement;
  const make = screen.getByText('Make builder') as HTMLButtonElement;
  expect(make.disabled).toBe(true);
  await fireEvent.input(name, { target: { value: 'team' } });
  expect(screen.getByText('There is a builder team already.')).toBeTruthy();
  await fireEvent.input(name, { target: { value: 'second' } });
  await fireEvent.click(screen.getByText('Remote'));
  expect(make.disabled, 'an address is missing').toBe(true);
  await fireEvent.input(screen.getByLabelText('Address of BuildKit'), {
    target: { value: 'tcp://build.example:1234' },
  });
  await fireEvent.submit(make.form ?? document.forms[0]!);
  expect(await screen.findByText('Invalid driver option nosuch.')).toBeTruthy();
  expect(name.value).toBe('second');
  expect(created).toHaveBeenCalledWith({
    builder: { name: 'second', driver: 'remote', endpoint: 'tcp://build.example:1234', options: [], platforms: [] },
  });
});
