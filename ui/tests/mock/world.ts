/** A made-up engine behind `mockIPC`: enough of one to look at every screen and to test components. */
import { mockIPC } from '@tauri-apps/api/mocks';
import type {
  Build,
  BuildFilter,
  BuildRequest,
  ChangedFiles,
  CommitSearch,
  EngineStatus,
  GraphRow,
  Notice,
  Plan,
  Preview,
  Project,
  Settings,
  WireError,
} from '../../src/lib/ipc';
import { build } from '../samples';
import { builderHandlers } from './builders';
import { builtRows, graph, START, states } from './graph';

export type Handlers = Record<string, (args: never) => unknown>;

export function wireError(part: Partial<WireError> = {}): WireError {
  return { code: 'internal', message: 'it broke', hint: null, detail: null, problems: [], ...part };
}

export const project: Project = {
  id: '0123456789ab',
  name: 'redis',
  root: '/home/mira/src/redis',
  recipe: '.gitpod.yml',
  dialect: 'workspace',
  stack: 'local',
  added_at: START,
  builds: 41,
  active: 1,
  branch: 'unstable',
  problem: null,
};

export const engine: EngineStatus = {
  reachable: true,
  context: 'default',
  endpoint: 'unix:///var/run/docker.sock',
  version: '28.4.0',
  platform: 'linux/amd64',
  storage: 'overlayfs',
  containerd_store: true,
  buildx: '0.29.1',
  builder: 'default',
  problem: null,
  hint: null,
};

export const noEngine: EngineStatus = {
  ...engine,
  reachable: false,
  version: null,
  buildx: null,
  problem: 'Docker does not answer at unix:///var/run/docker.sock.',
  hint: 'Start it with “systemctl start docker”, or choose another context with “docker context use”.',
};

export const settings: Settings = {
  default_image: 'gitpod/workspace-full:latest',
  concurrency: 1,
  timeout_s: 3600,
  history_depth: 100,
  max_chain: 20,
  max_layers: 100,
  integrations: [
    { name: 'lightgbm', requirements: ['lightgbm>=1.0.0'], apt_packages: ['libgomp1'] },
    { name: 'sklearn', requirements: ['scikit-learn>1.3'], apt_packages: [] },
  ],
  builder_images: [
    { language: 'go', image: 'golang:latest' },
    { language: 'node', image: 'node:lts' },
    { language: 'python', image: 'python:3' },
    { language: 'rust', image: 'rust:1' },
  ],
  theme: 'system',
  notifications: {
    enabled: true,
    focused_threshold_s: 60,
    failures_only: false,
    quiet_from: null,
    quiet_to: null,
  },
};

export function plan(rows: GraphRow[], part: Partial<Plan> = {}): Plan {
  const at = (row: number) => rows[row]?.commit ?? '';
  const fields = [
    { name: 'image.reference', value: 'debian:12' },
    { name: 'image.digest', value: 'sha256:2f7f2c8d1b1c7a3b5f3b2bd5a3e8a4f0d7c1e9b8a7f6e5d4c3b2a19081726354' },
    { name: 'tasks[0].init', value: 'make -j2 BUILD_TLS=yes' },
    { name: 'tasks[1].init', value: 'make test-deps' },
    { name: 'build_args.API_TOKEN', value: '••••••' },
    { name: 'platform', value: 'linux/amd64' },
    { name: 'stack', value: 'local' },
  ];
  return {
    decision: 'incremental',
    commit: at(0),
    branch: 'unstable',
    dirty: false,
    recipe: '.gitpod.yml',
    stack: 'local',
    platform: 'linux/amd64',
    build: null,
    base: { build: 'b000000000000003', commit: at(3), distance: 3, changed_files: 12 },
    estimate: {
      full_ms: { p50: 46_200, p80: 51_000, samples: 6 },
      load_ms: { p50: 900, p80: 1200, samples: 9 },
      incremental_ms: { p50: 4400, p80: 6100, samples: 9 },
      speedup: 8.7,
    },
    candidates: [
      {
        build: 'b000000000000003',
        commit: at(3),
        distance: 3,
        changed_files: 12,
        expected_ms: 5300,
        verdict: 'chosen',
        reasons: ['nearest and cheapest'],
      },
      {
        build: 'b000000000000007',
        commit: at(7),
        distance: 7,
        changed_files: 19,
        expected_ms: 6800,
        verdict: 'eligible',
        reasons: ['usable, slower'],
      },
      {
        build: 'b000000000000009',
        commit: at(9),
        distance: 9,
        changed_files: null,
        expected_ms: null,
        verdict: 'rejected',
        reasons: ['failed'],
      },
      {
        build: 'b000000000000014',
        commit: at(14),
        distance: 14,
        changed_files: 31,
        expected_ms: 8900,
        verdict: 'eligible',
        reasons: ['usable, slower'],
      },
      {
        build: 'b000000000000022',
        commit: at(22),
        distance: 22,
        changed_files: null,
        expected_ms: null,
        verdict: 'rejected',
        reasons: ['image gone'],
      },
      {
        build: 'b000000000000041',
        commit: at(41),
        distance: 41,
        changed_files: null,
        expected_ms: null,
        verdict: 'rejected',
        reasons: ['image changed: debian:12 → debian:13', 'tasks[1].init changed: make → make test-deps'],
      },
      {
        build: 'b000000000000058',
        commit: at(58),
        distance: null,
        changed_files: null,
        expected_ms: null,
        verdict: 'rejected',
        reasons: ['not an ancestor'],
      },
    ],
    targets: [
      {
        name: 'workspace',
        environment_key: '5d41402abc4b2a76b9719d911017c592ae3f6c7e0f8f7c1a',
        code_key: '7b8b965ad4bca0e41ab51de7b31363a1c94e2cc0f6ab3de1',
        fields,
        decision: 'incremental',
        reason: 'the source changed',
        build: null,
        reference: null,
        tags: [],
        cache_from: [],
        cache_to: [],
      },
    ],
    reason: 'The nearest usable build is 3 commits back and 12 files apart.',
    warnings: [],
    engine_checked: true,
    active: null,
    ...part,
  };
}

export const changedFiles: ChangedFiles = {
  total: 12,
  files: [
    { path: 'deps/jemalloc', from: null, kind: 'deleted' },
    { path: 'src/cluster.c', from: null, kind: 'modified' },
    { path: 'src/listpack.c', from: null, kind: 'modified' },
    { path: 'src/listpack_limits.h', from: 'src/limits.h', kind: 'renamed' },
    { path: 'src/networking.c', from: null, kind: 'modified' },
    { path: 'src/t_list.c', from: null, kind: 'modified' },
    { path: 'src/t_stream.c', from: null, kind: 'modified' },
    { path: 'tests/helpers/\u202ecilbup.tcl', from: null, kind: 'added' },
    { path: 'tests/unit/type/list-limits.tcl', from: null, kind: 'added' },
    { path: 'tests/unit/type/stream-cgroups.tcl', from: null, kind: 'modified' },
    { path: 'utils/create-cluster/create-cluster', from: null, kind: 'mode' },
    { path: 'utils/redis_init_script', from: null, kind: 'type' },
  ],
};

function sampleBuild(rows: GraphRow[], row: number, part: Partial<Build> = {}): Build {
  const at = rows[row];
  return build({
    id: `b0000000000000${row.toString().padStart(2, '0')}`,
    project: project.id,
    commit: at?.commit,
    summary: at?.summary,
    branch: 'unstable',
    created_at: (at?.committed_at ?? START) + 30_000,
    started_at: (at?.committed_at ?? START) + 31_000,
    status: 'succeeded',
    duration_ms: 5300,
    saved_ms: 40_900,
    ...part,
  });
}

function notices(): Notice[] {
  const one = (
    id: number,
    kind: Notice['kind'],
    title: string,
    body: string,
    minutes: number,
    read = false,
  ): Notice => ({
    id,
    build: `b00000000000000${id}`,
    run: null,
    job: null,
    project: project.id,
    kind,
    title,
    body,
    at: Date.now() - minutes * 60_000,
    duration_ms: 5300,
    read,
  });
  return [
    one(7, 'succeeded', 'redis built', '9c1e77a built in 5.3 s, 41 s saved', 12),
    one(6, 'failed', 'redis failed', '4be01d2 failed at “make -j2 BUILD_TLS=yes” after 12 s', 58),
    one(5, 'succeeded', 'redis built', '3f2a91c built in 46 s', 190, true),
    one(4, 'interrupted', 'redis was cut off', '77ab012: the engine went away', 1500, true),
  ];
}

export const preview: Preview = {
  path: '/home/mira/src/redis/.gitpod.yml',
  root: '/home/mira/src/redis',
  name: 'redis',
  recognised: {
    dialect: 'workspace',
    file: '.gitpod.yml',
    summary: 'Workspace config, 2 tasks, image debian:12',
    details: ['image: debian:12', 'task 1: make -j2 BUILD_TLS=yes', 'task 2: make test-deps', 'port 6379'],
  },
  repository: 'branch unstable, 12,871 commits, clean',
  problems: [
    {
      severity: 'warning',
      file: '.gitpod.yml',
      line: 11,
      column: 5,
      message: '“openMode” has no effect on a build',
      hint: 'It can stay; Headstart ignores it.',
      snippet: '    openMode: split-right',
    },
  ],
  already: null,
  can_add: true,
};

/** Answers for every command; `override` replaces some. */
export function handlers(length = 200_000, override: Handlers = {}): Handlers {
  const rows = graph(length);
  let current = settings;
  let inbox = notices();
  const running = sampleBuild(rows, 1, {
    status: 'running',
    started_at: Date.now() - 2600,
    duration_ms: null,
    saved_ms: null,
    expected_ms: 5300,
  });
  const queued = sampleBuild(rows, 2, { status: 'queued', started_at: null, duration_ms: null, saved_ms: null });
  const done = builtRows.map((row, i) => sampleBuild(rows, row, { decision: i === 3 ? 'full' : 'incremental' }));
  const all = [running, queued, ...done];
  const find = (commit: string | null) => rows.find((row) => commit && row.commit.startsWith(commit)) ?? rows[0];
  return {
    list_projects: () => [
      project,
      { ...project, id: 'ba9876543210', name: 'preevy-demo', root: '/home/mira/src/preevy-demo', builds: 3, active: 0 },
    ],
    preview_path: () => preview,
    add_project: () => project,
    remove_project: () => null,
    open_project_folder: () => null,
    engine_status: () => engine,
    get_settings: () => current,
    set_settings: ({ settings }: { settings: Settings }) => (current = settings),
    list_notices: () => inbox,
    mark_read: ({ notices }: { notices: number[] }) => {
      inbox = inbox.map((n) => (notices.length === 0 || notices.includes(n.id) ? { ...n, read: true } : n));
      return null;
    },
    list_runs: () => [],
    list_deployments: () => [],
    list_deploys: () => [],
    list_stacks: () => [],
    list_pipeline_runs: () => ({ total: 0, runs: [] }),
    list_jobs: () => ({ total: 0, jobs: [] }),
    list_datum_pipelines: () => [],
    list_data_repos: () => [],
    list_code_repositories: () => [],
    list_refs: () => rows.slice(0, 100).flatMap((row) => row.refs),
    graph_page: ({ from, count }: { from: number; count: number }) => ({
      known: rows.length,
      complete: true,
      lanes: 5,
      rows: rows.slice(from, from + count),
      unborn: false,
      shallow: false,
    }),
    commit_states: ({ commits }: { commits: string[] }) => states(rows, commits),
    search_commits: ({ search }: { search: CommitSearch }) => {
      const words = search.text.toLowerCase();
      const hits = rows
        .slice(0, 5000)
        .filter(
          (row) =>
            (row.summary.toLowerCase().includes(words) ||
              row.commit.startsWith(words) ||
              row.refs.some((ref) => ref.name.includes(words))) &&
            (!search.author || row.author.toLowerCase().includes(search.author.toLowerCase())) &&
            (!search.only_built || builtRows.includes(row.index)),
        );
      return { rows: hits.slice(0, search.limit), searched: rows.length, more: hits.length > search.limit };
    },
    commit_detail: ({ commit }: { commit: string }) => {
      const row = find(commit);
      return {
        commit: row?.commit,
        parents: row?.parents,
        message: `${row?.summary}\n\nThe limit was checked before the element was encoded, so that a value just below it\ncould still convert the whole list. Check after encoding instead.\n\nFixes #13370`,
        author: row?.author,
        email: 'mira@example.org',
        authored_at: row?.committed_at,
        committed_at: row?.committed_at,
        refs: row?.refs,
        changes: [
          { path: 'src/t_list.c', from: null, kind: 'modified' },
          { path: 'src/listpack.c', from: null, kind: 'modified' },
          { path: 'tests/unit/type/list-limits.tcl', from: null, kind: 'added' },
          { path: 'src/listpack_limits.h', from: 'src/limits.h', kind: 'renamed' },
          { path: 'deps/old/README', from: null, kind: 'deleted' },
        ],
        changed_files: 5,
      };
    },
    changed_files: () => changedFiles,
    plan_commit: ({ request }: { request: BuildRequest }) => {
      const row = find(request.commit);
      const index = row?.index ?? 0;
      if (builtRows.includes(index))
        return plan(rows, {
          commit: row?.commit,
          decision: 'reuse',
          build: `b0000000000000${index.toString().padStart(2, '0')}`,
          base: null,
          reason: 'A build of exactly this environment and code is there.',
        });
      if (request.full || index > 22)
        return plan(rows, {
          commit: row?.commit,
          decision: 'full',
          base: null,
          reason: 'The nearest build has another init task.',
          warnings: ['2 submodules are not initialised: their folders are empty in the image.'],
          candidates: plan(rows).candidates.filter((c) => c.verdict === 'rejected'),
        });
      return plan(rows, { commit: row?.commit });
    },
    start_build: () => running.id,
    get_build: ({ build }: { build: string }) => all.find((b) => b.id === build) ?? running,
    list_builds: ({ filter }: { filter: BuildFilter }) => {
      const builds = all.filter(
        (b) =>
          (filter.status.length === 0 || filter.status.includes(b.status)) &&
          (!filter.text || `${b.id} ${b.summary}`.includes(filter.text)) &&
          (!filter.commit || b.commit.startsWith(filter.commit)),
      );
      return { total: builds.length, builds };
    },
    ...builderHandlers(),
    ...override,
  };
}

/** Puts a made-up engine behind the window. A handler that throws a `WireError` answers with it. */
export function mockEngine(answers: Handlers) {
  mockIPC(
    (command, args) => {
      const answer = answers[command];
      if (answer) return answer(args as never);
      if (command.startsWith('plugin:')) return command.endsWith('|listen') ? 1 : null;
      throw wireError({ message: `the made-up engine knows no ${command}` });
    },
    { shouldMockEvents: true },
  );
}
