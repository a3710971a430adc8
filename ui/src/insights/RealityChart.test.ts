import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, it, vi } from 'vitest';

import { app } from '../lib/state/app.svelte';
import RealityChart from './RealityChart.svelte';

it('goes from dot to dot by arrow keys and opens a build by Enter', async () => {
  const open = vi.spyOn(app, 'showBuild').mockImplementation(() => {});
  render(RealityChart, {
    reality: [
      { build: 'slow', expected_ms: 9000, duration_ms: 8000 },
      { build: 'quick', expected_ms: 1000, duration_ms: 2000 },
      { build: 'unknown', expected_ms: 0, duration_ms: 2000 },
    ],
  });
  const dots = screen.getAllByRole('button');
  expect(dots.map((dot) => [dot.getAttribute('aria-label'), dot.getAttribute('tabindex')])).toEqual([
    ['Expected 1.0 s, took 2.0 s', '0'],
    ['Expected 9.0 s, took 8.0 s', '-1'],
  ]);
  const [first, second] = dots as [HTMLElement, HTMLElement];
  first.focus();
  await fireEvent.keyDown(first, { key: 'ArrowRight' });
  expect(document.activeElement).toBe(second);
  expect(second.getAttribute('tabindex')).toBe('0');
  expect(second.getAttribute('r'), 'the one at hand stands out').toBe('5.5');
  expect(screen.getByText('Expected 9.0 s, took 8.0 s')).toBeTruthy();
  await fireEvent.keyDown(second, { key: 'Enter' });
  expect(open).toHaveBeenCalledWith('slow');
});
