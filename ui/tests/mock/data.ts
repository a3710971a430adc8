/** Made-up datum pipelines and data repositories behind the window: specs, jobs with their datums, commits with their files. */
import type {
  CopyProgress,
  DataBranch,
  DataCommit,
  DataEntry,
  DataRepo,
  Datum,
  DatumFilter,
  DatumGraph,
  DatumPipeline,
  DatumState,
  Job,
  JobEvent,
  JobFilter,
  LogLine,
  PipelineSubmission,
  Preview,
  PutRequest,
  SubmitEvent,
  SubmitPlan,
  SubmitRequest,
  UpdateChoice,
} from '../../src/lib/ipc';
import { START } from './graph';
import { type Handlers, preview as workspacePreview } from './world';

type Listener<T> = { onmessage: (event: T) => void };

const minute = 60_000;
export const spec = '/home/mira/src/edges/map.json';

export const graph: DatumGraph = {
  combined: 'cross of source, build and scraper',
  nodes: [
    { id: 'source', kind: 'source', name: 'map_build', detail: 'branch source, 6 files', datums: 1, column: 0 },
    { id: 'in', kind: 'input', name: 'scraper', detail: 'master, glob /*', datums: 240, column: 0 },
    { id: 'made', kind: 'build', name: 'map_build', detail: 'sh ./build.sh', datums: 1, column: 1 },
    { id: 'map', kind: 'pipeline', name: 'map', detail: 'headstart/go-build:1', datums: 240, column: 2 },
    { id: 'out', kind: 'output', name: 'map', detail: 'branch master', datums: null, column: 3 },
  ],
  edges: [
    ['source', 'made'],
    ['source', 'map'],
    ['made', 'map'],
    ['in', 'map'],
    ['map', 'out'],
  ],
};

export function job(part: Partial<Job> = {}): Job {
  return {
    id: 'a1b4c0de00000001',
    pipeline: 'map',
    version: 3,
    stack: 'local',
    reason: 'new data in scraper@master',
    status: 'succeeded',
    doing: '',
    inputs: [
      { name: 'scraper', repo: 'scraper', branch: 'master', commit: 'c1'.repeat(16) },
      { name: 'build', repo: 'map_build', branch: 'build', commit: 'b1'.repeat(16) },
    ],
    output: 'd1'.repeat(16),
    writes: 'map@master',
    image: 'headstart/go-build@sha256:77ab012f9c',
    total: 240,
    processed: 12,
    reused: 228,
    failed: 0,
    rescued: 0,
    workers: [],
    bytes_in: 48_200_000,
    bytes_out: 3_400_000,
    created_at: START - 8 * minute,
    started_at: START - 8 * minute + 900,
    duration_ms: 6_400,
    error: null,
    warnings: [],
    log_lines: 48,
    ...part,
  };
}

export const running = job({
  id: 'a5b4c0de00000005',
  status: 'running',
  doing: 'processes datums',
  output: null,
  processed: 74,
  reused: 120,
  failed: 0,
  rescued: 2,
  workers: [
    { number: 1, datum: 196, since: START + 118_000 },
    { number: 2, datum: 197, since: START + 119_000 },
    { number: 3, datum: null, since: null },
  ],
  created_at: START + 60_000,
  started_at: START + 61_000,
  duration_ms: 59_000,
});

export const failed = job({
  id: 'a4b4c0de00000004',
  status: 'failed',
  output: null,
  processed: 9,
  reused: 228,
  failed: 3,
  error: '3 of 240 datums failed; the first is /page-017.html: exit code 2',
  created_at: START - 50 * minute,
  duration_ms: 12_300,
});

export const jobs: Job[] = [
  running,
  job(),
  failed,
  job({ id: 'a3b4c0de00000003', pipeline: 'map_build', total: 1, processed: 1, reused: 0, writes: 'map_build@build' }),
  job({ id: 'a2b4c0de00000002', status: 'cancelled', processed: 3, reused: 0, output: null }),
];

export function pipeline(part: Partial<DatumPipeline> = {}): DatumPipeline {
  return {
    name: 'map',
    stack: 'local',
    description: 'Counts the words of each page.',
    version: 3,
    stopped: false,
    builds_for: null,
    image: 'headstart/go-build:1',
    command: ['sh', '/pfs/build/run.sh', '--mode', 'word count'],
    output: 'map@master',
    inputs: ['scraper@master'],
    graph,
    spec: JSON.stringify({ pipeline: { name: 'map' }, transform: { build: { language: 'go', path: './source' } } }),
    path: spec,
    choice: 'code_as_input',
    job: running,
    jobs: 14,
    created_at: START - 9000 * minute,
    updated_at: START - 50 * minute,
    ...part,
  };
}

export const pipelines: DatumPipeline[] = [
  pipeline(),
  pipeline({
    name: 'map_build',
    builds_for: 'map',
    description: '',
    output: 'map_build@build',
    inputs: ['map_build@source'],
    job: jobs[3],
    version: 1,
    jobs: 3,
    path: null,
  }),
  pipeline({
    name: 'digest',
    description: 'Every morning, one page of figures.',
    output: 'digest@master',
    inputs: ['digest_tick@master', 'map@master'],
    version: 1,
    image: 'headstart-sample/python:1',
    job: failed,
    graph: {
      combined: 'cross of tick and map',
      nodes: [
        { id: 'tick', kind: 'cron', name: 'tick', detail: '@every 24h', datums: 1, column: 0 },
        { id: 'in', kind: 'input', name: 'map', detail: 'master, glob /', datums: 1, column: 0 },
        { id: 'p', kind: 'pipeline', name: 'digest', detail: 'python:1', datums: 1, column: 1 },
        { id: 'o', kind: 'output', name: 'digest', detail: 'branch master', datums: null, column: 2 },
      ],
      edges: [
        ['tick', 'p'],
        ['in', 'p'],
        ['p', 'o'],
      ],
    },
  }),
  pipeline({
    name: 'archive',
    stopped: true,
    job: null,
    jobs: 0,
    version: 1,
    output: 'archive@master',
    choice: 'new_data_only',
  }),
];

function state(place: number): DatumState {
  if (place < 120) return 'reused';
  if (place === 130 || place === 131) return 'rescued';
  if (place < 196) return 'processed';
  return place < 198 ? 'running' : 'waiting';
}

export function datum(place: number, part: Partial<Datum> = {}): Datum {
  const page = `page-${place.toString().padStart(3, '0')}.html`;
  return {
    place,
    hash: place.toString(16).padStart(64, '0'),
    state: 'processed',
    files: [
      { input: 'scraper', repo: 'scraper', commit: 'c1'.repeat(16), path: `/${page}`, bytes: 12_000 + place * 31 },
      { input: 'build', repo: 'map_build', commit: 'b1'.repeat(16), path: '/', bytes: 2_100_000 },
    ],
    attempts: 1,
    exit_code: 0,
    duration_ms: 180 + (place % 7) * 23,
    error: null,
    ...part,
  };
}

export const datums: Datum[] = Array.from({ length: 240 }, (_, place) => {
  const at = state(place);
  const ran = at !== 'waiting' && at !== 'reused' && at !== 'running';
  return datum(place, {
    state: at,
    attempts: ran ? 1 : 0,
    exit_code: at === 'rescued' ? 3 : ran ? 0 : null,
    duration_ms: ran ? 180 + (place % 7) * 23 : null,
  });
});

export const failedDatums: Datum[] = Array.from({ length: 240 }, (_, place) =>
  [17, 40, 101].includes(place)
    ? datum(place, { state: 'failed', attempts: 3, exit_code: 2, error: 'exit code 2 after 3 attempts' })
    : datum(place, { state: place < 20 ? 'processed' : 'reused' }),
);

export function jobLines(of: Job): LogLine[] {
  const places = of.status === 'failed' ? [17, 40, 101] : [132, 133, 134, 135];
  return places.flatMap((place, i) =>
    Array.from({ length: 12 }, (_, line) => ({
      number: i * 12 + line,
      step: place + 1,
      at_ms: (i * 12 + line) * 140,
      text:
        of.status === 'failed' && line === 11
          ? '\u001b[31merror:\u001b[0m no title in the page'
          : `datum ${place}: line ${line} <i>as it was written</i>`,
    })),
  );
}

export function commit(n: number, part: Partial<DataCommit> = {}): DataCommit {
  return {
    id: n.toString(16).padStart(2, '0').repeat(16),
    repo: 'scraper',
    branch: 'master',
    parent: n > 1 ? (n - 1).toString(16).padStart(2, '0').repeat(16) : null,
    message: n === 1 ? '236 files added' : `page-${(235 + n).toString()}.html added`,
    job: null,
    files: 235 + n,
    bytes: 4_800_000 + n * 21_000,
    created_at: START - (60 - n) * 7 * minute,
    ...part,
  };
}

export const commits = [5, 4, 3, 2, 1].map((n) => commit(n));

const branch = (name: string, head: DataCommit | null): DataBranch => ({ name, head });

export const repos: DataRepo[] = [
  {
    name: 'map',
    description: '',
    pipeline: 'map',
    branches: [branch('master', commit(9, { repo: 'map', job: job().id, message: 'job a1b4c0de' }))],
    created_at: START - 9000 * minute,
  },
  {
    name: 'map_build',
    description: 'Code of map',
    pipeline: 'map',
    branches: [
      branch('build', commit(7, { repo: 'map_build', branch: 'build' })),
      branch('source', commit(6, { repo: 'map_build', branch: 'source', files: 6, bytes: 18_300 })),
    ],
    created_at: START - 9000 * minute,
  },
  {
    name: 'scraper',
    description: 'Pages as they were fetched',
    pipeline: null,
    branches: [branch('master', commits[0] ?? null), branch('staging', null)],
    created_at: START - 9000 * minute,
  },
];

export function entry(name: string, part: Partial<DataEntry> = {}): DataEntry {
  return { name, path: `/${name}`, folder: false, bytes: 12_031, files: 1, digest: 'e'.repeat(64), ...part };
}

const folderOf = (name: string, files: number, bytes: number) =>
  entry(name, { folder: true, files, bytes, digest: null });

export const top: DataEntry[] = [
  folderOf('2026', 212, 4_400_000),
  folderOf('images', 3, 310_000),
  entry('README.md', { bytes: 1_840 }),
  entry('\u202epage-000.html'),
  ...Array.from({ length: 236 }, (_, i) => entry(`page-${(i + 1).toString().padStart(3, '0')}.html`)),
];

const inside: Record<string, DataEntry[]> = {
  '/': top,
  '/images': [
    entry('cover.png', { path: '/images/cover.png', bytes: 68 }),
    entry('blob.bin', { path: '/images/blob.bin', bytes: 309_900 }),
  ],
  '/2026': [entry('index.html', { path: '/2026/index.html' })],
};

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M/wHwAEBgIApD5fRAAAAABJRU5ErkJggg==';

export function submission(
  choice: UpdateChoice = 'code_as_input',
  part: Partial<PipelineSubmission> = {},
): PipelineSubmission {
  const counts = {
    code_as_input: { total: 241, new: 1, reused: 0, redo: 240, removed: 0 },
    new_data_only: { total: 241, new: 1, reused: 240, redo: 0, removed: 0 },
    reprocess_all: { total: 241, new: 1, reused: 0, redo: 240, removed: 0 },
  };
  return {
    name: 'map',
    description: 'Counts the words of each page.',
    version: 4,
    changes: ['code: 2 files differ', 'parallelism: 1 → 3'],
    graph,
    code: {
      folder: '/home/mira/src/edges/source',
      files: 6,
      bytes: 18_412,
      differing: 2,
      ignored: [
        { rule: '*.pyc', line: 1, files: 12, bytes: 48_000, examples: ['util.pyc', 'lib/words.pyc'] },
        { rule: 'the folder .git is left out', line: null, files: 341, bytes: 2_300_000, examples: ['.git/HEAD'] },
      ],
    },
    images: [
      {
        role: 'builder',
        reference: 'headstart/go-build:1',
        action: 'use',
        reason: 'it is in the engine already',
        build: null,
        push: false,
      },
    ],
    choices: [
      { choice: 'code_as_input', datums: counts.code_as_input },
      { choice: 'new_data_only', datums: counts.new_data_only },
      { choice: 'reprocess_all', datums: counts.reprocess_all },
    ],
    datums: counts[choice],
    expected_ms: choice === 'new_data_only' ? 240 : 46_000,
    ...part,
  };
}

export function submitPlan(request: SubmitRequest = {}, part: Partial<SubmitPlan> = {}): SubmitPlan {
  return {
    file: 'map.json',
    stack: 'local',
    store: '/home/mira/.local/share/headstart/artifacts',
    pipelines: [submission(request.choice)],
    actions: [
      ...(request.build ? ['build the image of map'] : []),
      'upload 6 files to map_build@source',
      'update the pipeline map_build',
      'update the pipeline map to version 4',
      'start the jobs',
    ],
    problems: [],
    can_submit: true,
    spec: '{"pipeline":{"name":"map"}}',
    ...part,
  };
}

export const badSpec: SubmitPlan = submitPlan(
  {},
  {
    pipelines: [],
    actions: [],
    can_submit: false,
    problems: [
      {
        severity: 'error',
        file: 'map.json',
        line: 7,
        column: 5,
        message: 'transform.build has both a language and an image',
        hint: 'Keep one of them.',
        snippet: '    "image": "mine/builder:1"',
      },
    ],
  },
);

export const specPreview: Preview = {
  ...workspacePreview,
  path: spec,
  root: '/home/mira/src/edges',
  name: 'edges',
  recognised: null,
  problems: [],
  can_add: false,
  datum_pipelines: ['map'],
};

export function dataHandlers(override: Handlers = {}): Handlers {
  const jobOf = (id: string) => jobs.find((one) => one.id === id) ?? job({ id });
  const list = (of: Job) => (of.status === 'failed' ? failedDatums : datums);
  let repositories = repos;
  const repo = (name: string) => repositories.find((one) => one.name === name) ?? repos[2];
  return {
    list_datum_pipelines: () => pipelines,
    get_datum_pipeline: ({ name }: { name: string }) => pipelines.find((one) => one.name === name) ?? pipelines[0],
    delete_datum_pipeline: () => null,
    stop_datum_pipeline: () => [],
    tick_datum_pipeline: () => [running.id],
    process_data: () => [running.id],
    plan_submission: ({ request }: { request: SubmitRequest }) => submitPlan(request),
    submit_pipelines: async ({ events }: { events: Listener<SubmitEvent> }) => {
      events.onmessage({ type: 'doing', action: 'upload 6 files to map_build@source' });
      events.onmessage({ type: 'copying', files: 6, bytes: 18_412 });
      await new Promise((resolve) => setTimeout(resolve, 400));
      return { pipelines: ['map'], jobs: [running.id], done: ['map is at version 4'], warnings: [] };
    },
    list_jobs: ({ filter }: { filter: JobFilter }) => {
      const found = jobs.filter(
        (one) =>
          (!filter.pipeline || one.pipeline === filter.pipeline) &&
          (!filter.status?.length || filter.status.includes(one.status)),
      );
      return { total: found.length, jobs: found.slice(0, filter.limit || 100) };
    },
    get_job: ({ job }: { job: string }) => jobOf(job),
    watch_job: (({ job, events }: { job: string; events: Listener<JobEvent> }) => {
      const found = jobOf(job);
      events.onmessage({ type: 'snapshot', job: found });
      if (found.status !== 'running') {
        events.onmessage({ type: 'finished', job: found });
        return null;
      }
      return new Promise(() => {});
    }) as never,
    cancel_job: () => null,
    retry_job: () => [running.id],
    list_datums: ({ job, filter }: { job: string; filter: DatumFilter }) => {
      const found = list(jobOf(job)).filter(
        (one) =>
          (!filter.states?.length || filter.states.includes(one.state)) &&
          (!filter.path || one.files.some((file) => file.path.includes(filter.path ?? ''))),
      );
      const from = filter.offset ?? 0;
      return { total: found.length, datums: found.slice(from, from + (filter.limit || 100)) };
    },
    read_job_log: ({ job, step, from, count }: { job: string; step: number | null; from: number; count: number }) => {
      const lines = jobLines(jobOf(job))
        .filter((line) => step === null || line.step === step)
        .map((line, number) => ({ ...line, number }));
      return { total: lines.length, lines: lines.slice(from, from + count) };
    },
    new_code_builder: ({ language, folder }: { language: string; folder: string }) => ({
      language,
      folder,
      files: ['Dockerfile', 'build.sh', 'run.sh'],
      base: 'python:3',
    }),
    list_data_repos: () => repositories,
    get_data_repo: ({ repo: name }: { repo: string }) => repo(name),
    create_data_repo: ({ repo: name, description }: { repo: string; description: string }) => {
      const made = { name, description, pipeline: null, branches: [], created_at: START };
      repositories = [...repositories, made];
      return made;
    },
    delete_data_repo: () => null,
    create_data_branch: ({ repo: name }: { repo: string }) => repo(name),
    delete_data_branch: ({ repo: name }: { repo: string }) => repo(name),
    list_data_commits: ({ branch }: { branch: string }) => (branch === 'staging' ? [] : commits),
    list_data_entries: ({ path, offset, limit }: { path: string; offset: number; limit: number }) => {
      const entries = inside[path] ?? [];
      return { commit: commits[0]?.id, path, total: entries.length, entries: entries.slice(offset, offset + limit) };
    },
    preview_data_file: ({ path }: { path: string }) => {
      const found = Object.values(inside)
        .flat()
        .find((one) => one.path === path);
      const content = path.endsWith('.png')
        ? { type: 'image', media_type: 'image/png', base64: pixel }
        : path.endsWith('.bin')
          ? { type: 'binary', hex: '89504e470d0a1a0a'.repeat(8) }
          : { type: 'text', text: `<h1>${path}</h1>\n<p>as it was fetched</p>\n`, truncated: false };
      return { entry: found ?? entry(path.slice(1), { path }), content };
    },
    diff_data_commits: ({ offset, limit }: { offset: number; limit: number }) => ({
      added: 1,
      changed: 1,
      removed: 1,
      changes: [
        { path: '/page-237.html', kind: 'added' as const, before: null, after: 12_031 },
        { path: '/README.md', kind: 'changed' as const, before: 1_700, after: 1_840 },
        { path: '/old.html', kind: 'removed' as const, before: 900, after: null },
      ].slice(offset, offset + limit),
    }),
    put_data_files: ({ request, progress }: { request: PutRequest; progress: Listener<CopyProgress> }) => {
      progress.onmessage({ files: 1, bytes: 12_000 });
      const files = request.sources.length;
      return { commit: commit(6), new: true, files, bytes: 12_000 * files, stored: 12_000, warnings: [] };
    },
    export_data: ({ progress }: { progress: Listener<CopyProgress> }) => {
      progress.onmessage({ files: 100, bytes: 2_000_000 });
      return { files: 240, bytes: 4_900_000 };
    },
    sweep_data: () => ({ chunks: 12, bytes: 1_300_000 }),
    preview_path: () => specPreview,
    ...override,
  };
}
