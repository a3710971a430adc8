/**
 * The window in an ordinary browser, for looking at it: `npm run dev`, then /tests/harness.html.
 * Query: theme=dark|light, screen=history|builds|…, build=running|queued|failed|long|done|<id>, world=first-run|no-engine|compose|pipeline|data|data-empty|unborn|slow, rows=200000.
 */
import { mockWindows } from '@tauri-apps/api/mocks';
import { mount } from 'svelte';
import type { Theme, DeployEvent } from '../src/lib/ipc';
import { buildHandlers, shown } from './mock/builds';
import { dataHandlers } from './mock/data';
import { composeHandlers } from './mock/compose';
import { pipelineHandlers } from './mock/pipeline';
import { type Handlers, handlers, mockEngine, noEngine, settings, wireError } from './mock/world';

const query = new URLSearchParams(location.search);
const theme = (query.get('theme') ?? 'system') as Theme;

const emptyPage = { known: 0, complete: true, lanes: 1, rows: [], unborn: true, shallow: false };
const worlds: Record<string, Handlers> = {
  usual: {},
  'first-run': { list_projects: () => [], list_builds: () => ({ total: 0, builds: [] }), list_notices: () => [] },
  'no-engine': { engine_status: () => noEngine, list_runs: () => Promise.reject(wireError({ code: 'engine' })) },
  'first-run-no-engine': {
    list_projects: () => [],
    list_notices: () => [],
    list_builds: () => ({ total: 0, builds: [] }),
    engine_status: () => noEngine,
  },
  compose: composeHandlers(),
  pipeline: pipelineHandlers(),
  data: dataHandlers(),
  'data-empty': dataHandlers({ list_datum_pipelines: () => [], list_data_repos: () => [] }),
  'pipeline-empty': pipelineHandlers({ list_pipeline_runs: () => ({ total: 0, runs: [] }) }),
  'compose-empty': composeHandlers({ list_deployments: () => [], list_runs: () => [] }),
  'compose-broken': composeHandlers({
    list_deployments: () => Promise.reject(wireError({ code: 'engine', message: 'Docker does not answer' })),
    list_runs: () => Promise.reject(wireError({ code: 'engine', message: 'Docker does not answer' })),
    list_stacks: () => Promise.reject(wireError({ message: 'the catalogue cannot be read' })),
    deploy: (({ events }: { events: { onmessage: (event: DeployEvent) => void } }) => {
      events.onmessage({ type: 'line', text: ' Container webshop-db-1  Started' });
      events.onmessage({ type: 'line', text: 'Error response from daemon: Bind for 0.0.0.0:8080 failed' });
      const hint = 'Stop what listens there, or publish another port in the compose file.';
      const error = wireError({ code: 'engine', message: '“docker compose up” failed: port 8080 is taken', hint });
      events.onmessage({ type: 'failed', error });
      return null;
    }) as never,
    compose_files: () => Promise.reject(wireError({ code: 'config', message: 'docker compose is not installed' })),
  }),
  unborn: { graph_page: () => emptyPage },
  broken: {
    graph_page: () =>
      Promise.reject(
        wireError({
          code: 'repository',
          message: 'the folder is not a git repository any more',
          hint: 'Move it back to /home/mira/src/redis, or remove the project.',
          detail: 'could not find repository at /home/mira/src/redis; class=Repository (6); code=NotFound (-3)',
        }),
      ),
  },
  slow: { plan_commit: () => new Promise(() => {}), graph_page: () => new Promise(() => {}) },
};

mockWindows('main');
mockEngine(
  handlers(Number(query.get('rows') ?? 200_000), {
    get_settings: () => ({ ...settings, theme }),
    ...buildHandlers(),
    ...worlds[query.get('world') ?? 'usual'],
  }),
);

const { default: App } = await import('../src/App.svelte');
const { app } = await import('../src/lib/state/app.svelte');
const { actions } = await import('../src/lib/state/actions.svelte');
const { adding } = await import('../src/project/adding.svelte');
const screen = query.get('screen');
if (screen === 'build')
  app.router.go({
    name: 'build',
    build: shown[(query.get('build') ?? 'running') as keyof typeof shown] ?? query.get('build'),
  });
else if (screen === 'run') app.router.go({ name: 'run', run: query.get('run') ?? 'f00d000000000004' });
else if (screen === 'data') app.router.go({ name: 'data', tab: (query.get('tab') ?? 'pipelines') as 'pipelines' });
else if (screen === 'datum-pipeline') app.showDatumPipeline(query.get('name') ?? 'map', null);
else if (screen === 'data-repo')
  app.showDataRepo(query.get('name') ?? 'scraper', null, { path: query.get('path') ?? '/' });
else if (screen === 'job') app.showJob(query.get('job') ?? 'a5b4c0de00000005');
else if (screen === 'submit') adding.open(['/home/mira/src/edges/map.json']);
else if (screen) app.router.go({ name: screen } as never);

Object.assign(window, { app, actions, adding });
mount(App, { target: document.getElementById('app') as HTMLElement });
