import { expect, it } from 'vitest';
import { Router } from './router.svelte';

it('goes back and forward, and forgets the future on a new way', () => {
  const router = new Router();
  router.go({ name: 'builds' });
  router.go({ name: 'build', build: 'a' });
  router.go({ name: 'build', build: 'a' });
  router.back();
  expect(router.screen.name).toBe('builds');
  router.forward();
  expect(router.screen).toEqual({ name: 'build', build: 'a' });
  router.back();
  router.go({ name: 'runs' });
  expect(router.canForward).toBe(false);
  router.back();
  router.back();
  router.back();
  expect(router.screen.name).toBe('history');
  expect(router.canBack).toBe(false);
});
