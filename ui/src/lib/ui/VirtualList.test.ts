import { render, screen } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { expect, it, vi } from 'vitest';
import VirtualList from './VirtualList.svelte';

const row = createRawSnippet<[number]>((index) => ({ render: () => `<div role="option">row ${index()}</div>` }));

it('draws a screenful of a million rows', async () => {
  const onrange = vi.fn();
  const { component } = render(VirtualList, { count: 1_000_000, rowHeight: 28, row, onrange, label: 'Rows' });
  await vi.waitFor(() => expect(screen.getAllByRole('option').length).toBeGreaterThan(10));
  expect(screen.getAllByRole('option').length).toBeLessThan(60);
  component.reveal(999_999);
  await vi.waitFor(() => expect(screen.getByText('row 999999')).toBeTruthy());
  expect(onrange.mock.lastCall?.[1]).toBe(1_000_000);
});
