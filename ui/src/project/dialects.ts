/** What the formats of recipes are called, and the icon each has. */
import Container from '@lucide/svelte/icons/container';
import FileCode from '@lucide/svelte/icons/file-code';
import Workflow from '@lucide/svelte/icons/workflow';
import type { Component } from 'svelte';
import type { Dialect } from '../lib/ipc';

export const dialects: Record<Dialect, { word: string; icon: Component<{ size?: number }> }> = {
  workspace: { word: 'Workspace', icon: FileCode },
  compose: { word: 'Compose', icon: Container },
  pipeline: { word: 'Pipeline', icon: Workflow },
};
