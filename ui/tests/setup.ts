import { cleanup } from '@testing-library/svelte';
import { afterEach } from 'vitest';
import { clearMocks } from '@tauri-apps/api/mocks';

// happy-dom lays nothing out; lists need some height to draw rows into.
Object.defineProperty(HTMLElement.prototype, 'clientHeight', { configurable: true, get: () => 600 });

afterEach(() => {
  cleanup();
  clearMocks();
  localStorage.clear();
});
