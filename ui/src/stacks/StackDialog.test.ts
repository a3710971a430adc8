import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, it, vi } from 'vitest';
import { stacks } from '../../tests/mock/pipeline';
import { mockEngine } from '../../tests/mock/world';
import Providers from '../../tests/Providers.svelte';
import type { Stack } from '../lib/ipc';
import StackDialog from './StackDialog.svelte';

function show(from: Stack | null) {
  const saved = vi.fn(({ stack }: { stack: Stack }) => stack);
  mockEngine({ save_stack: saved as never });
  const having = { from, editing: from !== null, stacks, builders: [], open: true, onsaved: () => {} };
  render(Providers, { of: StackDialog, having });
  return saved;
}
const type = (label: RegExp, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });
const folded = () => document.querySelector('details')?.open === false;

it('stores what a stack adds to pipelines, one thing from each line', async () => {
  const saved = show(null);
  await type(/^Name/, 'ci');
  expect(folded()).toBe(true);
  await type(/^Artifact store/, '/srv/artifacts');
  await type(/^Python requirements/, 'torch==2.6.0\n\nnumpy ');
  await type(/^Debian packages/, 'libgomp1');
  await type(/^Environment/, 'OPTS=--a=1');
  await type(/^CA bundle/, '/etc/ssl/proxy.pem');
  await fireEvent.click(screen.getByRole('button', { name: 'Create' }));
  await vi.waitFor(() => expect(saved).toHaveBeenCalledOnce());
  expect(saved.mock.calls[0]?.[0].stack).toMatchObject({
    name: 'ci',
    artifact_store: '/srv/artifacts',
    requirements: ['torch==2.6.0', 'numpy'],
    apt_packages: ['libgomp1'],
    environment: [['OPTS', '--a=1']],
    ca_bundle: '/etc/ssl/proxy.pem',
  });
});

it('shows what is set, and what is wrong where it is', async () => {
  const saved = show(stacks.at(-1) ?? null);
  expect(folded(), 'this stack adds something').toBe(false);
  expect((screen.getByLabelText(/^Environment/) as HTMLTextAreaElement).value).toBe('OMP_NUM_THREADS=4');
  await type(/^Environment/, 'OMP_NUM_THREADS');
  await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(screen.getByText('“OMP_NUM_THREADS” has no “=”: NAME=VALUE.')).toBeTruthy();
  expect(saved).not.toHaveBeenCalled();
});
