import { creating } from '../data/creating.svelte';
import { submission } from '../datums/submission.svelte';
import { actions, type Action } from '../lib/state/actions.svelte';
import { app } from '../lib/state/app.svelte';
import type { DataTab, Screen } from '../lib/state/router.svelte';
import { adding } from '../project/adding.svelte';
import { layers } from './layers.svelte';

function go(name: Screen['name'], title: string, keys: string[]): Action {
  return { id: `go-${name}`, title, group: 'Go to', keys, run: () => app.router.go({ name } as Screen) };
}

function data(tab: DataTab, title: string, keys: string[]): Action {
  return { id: `go-data-${tab}`, title, group: 'Go to', keys, run: () => app.router.go({ name: 'data', tab }) };
}

/** What can be done on every screen. */
const everywhere: Action[] = [
  go('history', 'History', ['g h']),
  go('builds', 'Builds', ['g b']),
  go('runs', 'Runs', ['g r']),
  data('pipelines', 'Data: pipelines', ['g d']),
  data('repositories', 'Data: repositories', ['g f']),
  go('stacks', 'Stacks', ['g s']),
  go('insights', 'Insights', ['g i']),
  { ...go('settings', 'Settings', ['mod+,']), always: true },
  { id: 'back', title: 'Back', group: 'Go to', keys: ['alt+ArrowLeft', '['], run: () => app.router.back() },
  { id: 'forward', title: 'Forward', group: 'Go to', keys: ['alt+ArrowRight', ']'], run: () => app.router.forward() },
  {
    id: 'palette',
    title: 'Find an action, commit, branch or build',
    group: 'Window',
    keys: ['mod+k'],
    always: true,
    quiet: true,
    run: () => layers.toggle('palette'),
  },
  { id: 'keys', title: 'Show all keys', group: 'Window', keys: ['?'], run: () => layers.toggle('keys') },
  { id: 'inbox', title: 'Inbox', group: 'Window', keys: ['g n'], run: () => layers.toggle('inbox') },
  { id: 'engine', title: 'State of the Docker engine', group: 'Window', run: () => layers.toggle('engine') },
  { id: 'read-all', title: 'Mark all notices as read', group: 'Window', run: () => void app.markRead() },
  {
    id: 'add-folder',
    title: 'Add a project folder…',
    group: 'Projects',
    keys: ['mod+o'],
    run: () => adding.choose('folder'),
  },
  { id: 'add-file', title: 'Add a project by its recipe file…', group: 'Projects', run: () => adding.choose('file') },
  { id: 'add-path', title: 'Add a project by its path…', group: 'Projects', run: () => adding.askPath() },
  {
    id: 'submit-spec',
    title: 'Submit a pipeline spec…',
    group: 'Data',
    run: () => void submission.choose(() => adding.askPath()),
  },
  {
    id: 'data.new-repo',
    title: 'New repository…',
    group: 'Data',
    run: () => {
      app.router.go({ name: 'data', tab: 'repositories' });
      creating.open = true;
    },
  },
  theme('light'),
  theme('dark'),
  theme('system'),
];

function theme(theme: 'light' | 'dark' | 'system'): Action {
  return {
    id: `theme-${theme}`,
    title: theme === 'system' ? 'Colours as the system has them' : `${theme === 'dark' ? 'Dark' : 'Light'} colours`,
    group: 'Window',
    run: () => app.settings && void app.saveSettings({ ...app.settings, theme }),
  };
}

/** Offers the actions of every screen, and one per project to switch to. Returns how to stop. */
export function offerGlobalActions(): () => void {
  const switches = (app.projects ?? [])
    .filter((project) => project.id !== app.project?.id)
    .map((project) => ({
      id: `project-${project.id}`,
      title: `Switch to ${project.name}`,
      group: 'Projects',
      run: () => app.chooseProject(project.id),
    }));
  return actions.register([...everywhere, ...switches]);
}
