import { cleanup, render, screen } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { handlers, mockEngine, project } from '../../tests/mock/world';
import { layers } from '../frame/layers.svelte';
import { app } from '../lib/state/app.svelte';
import Palette from './Palette.svelte';

beforeEach(() => {
  mockEngine(handlers(30));
  app.projects = [project];
});
afterEach(() => {
  layers.open = null;
  cleanup();
});

it('keeps what is being typed when something in the catalogue changes', async () => {
  render(Palette);
  layers.open = 'palette';
  const field = await screen.findByRole<HTMLInputElement>('combobox');
  field.value = 'Light';
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
  app.projects = [{ ...project, builds: project.builds + 1 }];
  flushSync();
  expect(field.value).toBe('Light');
});
