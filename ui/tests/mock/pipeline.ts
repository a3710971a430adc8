/** A made-up pipeline project behind the window: its plan, its runs with their logs, code repositories, other people's builds. */
import type {
  BuildFilter,
  BuildRequest,
  Candidate,
  CheckoutState,
  CodeRepository,
  Condition,
  LogLine,
  PipelinePlan,
  PipelineRun,
  Plan,
  PlannedTarget,
  Preview,
  Project,
  RunEvent,
  RunFilter,
  RunRequest,
  RunStep,
  Stack,
  SyncReport,
} from '../../src/lib/ipc';
import { build } from '../samples';
import { stacks as composeStacks } from './compose';
import { graph, START } from './graph';
import { type Handlers, plan, preview as workspacePreview, project as workspace } from './world';

type Listener<T> = { onmessage: (event: T) => void };

const rows = graph(60);
const at = (row: number) => rows[row]?.commit ?? '';

export const project: Project = {
  ...workspace,
  id: 'abcdef000001',
  name: 'fraud-model',
  root: '/home/mira/src/fraud-model',
  recipe: 'run.yaml',
  dialect: 'pipeline',
  branch: 'main',
  builds: 6,
};

export const stacks: Stack[] = [
  ...composeStacks,
  {
    ...(composeStacks[1] as Stack),
    name: 'gpu',
    artifact_store: '/srv/artifacts',
    requirements: ['torch==2.6.0'],
    apt_packages: ['libgomp1'],
    environment: [['OMP_NUM_THREADS', '4']],
    ca_bundle: '/etc/ssl/proxy.pem',
  },
];

export const checkout: CheckoutState = {
  repository: 'fraud',
  folder: '/home/mira/src/fraud-model',
  subdirectory: '',
  commit: at(0),
  branch: 'main',
  uncommitted: false,
  untracked: false,
  unpushed: false,
  usable: true,
  reason: 'the checkout is clean and its commit is on origin/main',
};

const dockerfile = [
  'FROM docker.io/library/python:3.11-slim@sha256:2f7f2c8d1b1c7a3b',
  'WORKDIR /app',
  'ENV OMP_NUM_THREADS="4"',
  'RUN apt-get update && apt-get install -y --no-install-recommends "libgomp1"',
  'COPY requirements.txt requirements.txt',
  'RUN pip install --no-cache-dir --default-timeout=60 -r requirements.txt',
  'RUN chmod -R a+rw .',
].join('\n');

function target(name: string, part: Partial<PlannedTarget> = {}): PlannedTarget {
  return {
    name,
    environment_key: '5d41402abc4b2a76b9719d911017c592ae3f6c7e0f8f7c1a',
    code_key: '7b8b965ad4bca0e41ab51de7b31363a1c94e2cc0f6ab3de1',
    fields: [{ name: 'requirements', value: 'scikit-learn>1.3\npandas>=2.0.0' }],
    decision: 'reuse',
    reason: 'everything that matters is the same as in build a1b2c3d4',
    build: 'a1b2c3d400000001',
    reference: 'registry.example.org:5000/team/headstart@sha256:77ab012f',
    tags: [],
    cache_from: [],
    cache_to: [],
    steps: ['load', 'evaluate'],
    dockerfile,
    includes_code: false,
    ...part,
  };
}

export const pipeline: PipelinePlan = {
  name: 'training',
  steps: [
    {
      name: 'load',
      runs: 'steps.load:run',
      target: 'default',
      delivery: 'code_repository',
      reason: 'the commit is on a branch of the remote',
    },
    {
      name: 'train',
      runs: 'python -m train --epochs 3',
      target: 'train',
      delivery: 'included',
      reason: 'the local project is installed into the image',
    },
    {
      name: 'evaluate',
      runs: 'steps.evaluate:run',
      target: 'default',
      delivery: 'artifact_store',
      reason: 'download from code repositories is switched off for this step',
    },
  ],
  checkout,
  given: null,
};

const condition = (name: string, expected: string, actual = expected): Condition => ({
  name,
  expected,
  actual,
  holds: expected === actual,
});

export const candidates: Candidate[] = [
  {
    build: 'a1b2c3d400000001',
    commit: at(3),
    distance: 3,
    changed_files: null,
    expected_ms: null,
    verdict: 'chosen',
    reasons: ['every condition holds'],
    conditions: [condition('stack', 'local'), condition('requirements', 'scikit-learn>1.3, pandas>=2.0.0')],
    producer: 'ana@lab-7',
  },
  {
    build: 'a1b2c3d400000002',
    commit: at(7),
    distance: 7,
    changed_files: null,
    expected_ms: null,
    verdict: 'rejected',
    reasons: ['requirements changed: pandas==1.5.3 → pandas>=2.0.0'],
    conditions: [
      condition('stack', 'local'),
      condition('requirements', 'scikit-learn>1.3, pandas>=2.0.0', 'scikit-learn>1.3, pandas==1.5.3'),
      condition(
        'parent image digest',
        'sha256:2f7f2c8d1b1c7a3b5f3b2bd5a3e8a4f0',
        'sha256:77ab012f5f3b2bd5a3e8a4f0d7c1e9b8',
      ),
      condition('Python', '3.11'),
    ],
  },
];

export const pipelinePlan = (part: Partial<Plan> = {}): Plan => ({
  ...plan(rows),
  decision: 'full',
  recipe: 'run.yaml',
  base: null,
  build: null,
  candidates,
  targets: [
    target('default'),
    target('train', {
      decision: 'full',
      reason: 'no build has these requirements',
      build: null,
      reference: null,
      steps: ['train'],
      includes_code: true,
    }),
  ],
  reason: 'The image of train has to be built: its requirements changed.',
  pipeline,
  ...part,
});

function step(number: number, name: string, part: Partial<RunStep> = {}): RunStep {
  return {
    number,
    name,
    runs: `steps.${name}:run`,
    image: 'registry.example.org:5000/team/headstart@sha256:77ab012f5f3b2bd5a3e8a4f0d7c1e9b8',
    delivery: 'code_repository',
    status: 'done',
    exit_code: 0,
    started_at: START + number * 4000,
    duration_ms: 3800,
    ...part,
  };
}

export function pipelineRun(part: Partial<PipelineRun> = {}): PipelineRun {
  return {
    id: 'f00d000000000001',
    project: project.id,
    project_name: project.name,
    pipeline: 'training',
    build: 'a1b2c3d400000001',
    reused: true,
    stack: 'local',
    commit: at(0),
    base_commit: at(0),
    summary: 'train: weigh the classes',
    branch: 'main',
    repository: 'fraud',
    archive: null,
    status: 'succeeded',
    steps: [step(1, 'load'), step(2, 'train'), step(3, 'evaluate', { delivery: 'artifact_store' })],
    created_at: START,
    duration_ms: 12_400,
    first_output_ms: 840,
    error: null,
    warnings: [],
    log_lines: 90,
    ...part,
  };
}

export const runs: PipelineRun[] = [
  pipelineRun({
    id: 'f00d000000000004',
    status: 'running',
    created_at: Date.now() - 5200,
    duration_ms: 5200,
    commit: null,
    reused: false,
    repository: null,
    archive: 'sha256:5d41402abc4b2a76b9719d911017c592ae3f6c7e0f8f7c1a',
    warnings: ['the archive of the code has 24 MB'],
    steps: [
      step(1, 'load', { delivery: 'artifact_store' }),
      step(2, 'train', {
        status: 'running',
        exit_code: null,
        started_at: Date.now() - 1400,
        duration_ms: 1400,
        delivery: 'artifact_store',
      }),
      step(3, 'evaluate', { status: 'pending', exit_code: null, started_at: null, duration_ms: null }),
    ],
  }),
  pipelineRun({
    id: 'f00d000000000003',
    status: 'failed',
    error: 'step train ended with exit code 2',
    created_at: Date.now() - 3_600_000,
    steps: [
      step(1, 'load'),
      step(2, 'train', { status: 'failed', exit_code: 2 }),
      step(3, 'evaluate', { status: 'cancelled', exit_code: null, started_at: null, duration_ms: null }),
    ],
  }),
  pipelineRun({ id: 'f00d000000000002', stack: 'gpu', pipeline: 'inference', created_at: Date.now() - 86_400_000 }),
  pipelineRun({ created_at: Date.now() - 172_800_000 }),
];

export function logLines(run: PipelineRun): LogLine[] {
  return Array.from({ length: run.log_lines }, (_, i) => {
    const number = 1 + Math.floor((i / run.log_lines) * 3);
    const name = run.steps[number - 1]?.name ?? '';
    return {
      number: i,
      step: number,
      at_ms: 840 + i * 40,
      text: `\x1b[32m${name}\x1b[0m: line ${i} <b>of the log</b>`,
    };
  });
}

export const repositories: CodeRepository[] = [
  { name: 'fraud', kind: 'github', url: 'https://github.com/lab/fraud-model.git' },
  { name: 'shared', kind: 'git', url: 'git@git.example.org:lab/shared.git' },
];

export const syncReport: SyncReport = { asked: 12, imported: ['a1b2c3d400000009'], known: 3, problems: [] };

export const pipelineBuilds = [
  build({
    id: 'a1b2c3d400000001',
    project: project.id,
    project_name: project.name,
    commit: at(3),
    summary: 'deps: scikit-learn 1.4',
    status: 'succeeded',
    decision: 'full',
    pipeline: 'training',
    producer: 'ana@lab-7',
    contains_code: false,
    duration_ms: 61_000,
    created_at: Date.now() - 7_200_000,
  }),
  build({
    id: 'a1b2c3d400000002',
    project: project.id,
    project_name: project.name,
    commit: at(7),
    summary: 'train: install the project into its image',
    status: 'succeeded',
    decision: 'full',
    pipeline: 'inference',
    stack: 'gpu',
    contains_code: true,
    duration_ms: 48_000,
    created_at: Date.now() - 86_400_000,
  }),
  build({
    id: 'a1b2c3d400000003',
    project: project.id,
    project_name: project.name,
    commit: at(9),
    summary: 'first run config',
    status: 'failed',
    decision: 'full',
    pipeline: 'training',
    contains_code: false,
    duration_ms: 9_000,
    error: 'pip found no version of pandsa',
    created_at: Date.now() - 96_400_000,
  }),
];

export const preview: Preview = {
  ...workspacePreview,
  path: '/home/mira/src/fraud-model/run.yaml',
  root: '/home/mira/src/fraud-model',
  name: 'fraud-model',
  recognised: {
    dialect: 'pipeline',
    file: 'run.yaml',
    summary: 'Run config, pipeline training, 3 steps',
    details: [
      'pipeline: pipelines.training.training',
      'requirements: requirements.txt',
      'step train has its own image',
    ],
  },
  repository: 'branch main, 214 commits, clean',
  problems: [],
};

/** Answers of an engine that knows pipelines; `override` replaces some. */
export function pipelineHandlers(override: Handlers = {}): Handlers {
  let known = runs;
  let registered = repositories;
  const find = (id: string) => known.find((run) => run.id === id) ?? pipelineRun({ id });
  return {
    list_projects: () => [project, workspace],
    preview_path: () => preview,
    list_stacks: () => stacks,
    save_stack: ({ stack }: { stack: Stack }) => stack,
    plan_commit: ({ request }: { request: BuildRequest }) => {
      const row = rows.find((one) => one.commit === request.commit);
      const stack = request.options?.stack ?? 'local';
      return pipelinePlan({
        commit: row?.commit ?? request.commit ?? at(0),
        stack,
        dirty: request.dirty,
        pipeline: { ...pipeline, given: request.base },
        ...(stack === 'local'
          ? {}
          : { candidates: candidates.map((one) => ({ ...one, verdict: 'rejected' as const })) }),
      });
    },
    start_build: () => 'a1b2c3d400000001',
    list_builds: ({ filter }: { filter: BuildFilter }) => {
      const matches = (word: string | null | undefined, name: string | null | undefined) =>
        !word || (word.startsWith('startswith:') ? name?.startsWith(word.slice('startswith:'.length)) : name === word);
      const builds = pipelineBuilds.filter(
        (one) =>
          (filter.status.length === 0 || filter.status.includes(one.status)) &&
          matches(filter.stack, one.stack) &&
          matches(filter.pipeline, one.pipeline) &&
          matches(filter.id, one.id) &&
          (filter.contains_code == null || filter.contains_code === one.contains_code) &&
          (!filter.text || `${one.id} ${one.summary}`.includes(filter.text)),
      );
      return { total: builds.length, builds };
    },
    get_build: ({ build: id }: { build: string }) => pipelineBuilds.find((one) => one.id === id) ?? pipelineBuilds[0],
    checkout_state: () => checkout,
    start_pipeline_run: (_: { request: RunRequest }) => 'f00d000000000004',
    list_pipeline_runs: ({ filter }: { filter: RunFilter }) => {
      const found = known.filter(
        (run) =>
          (!filter.status?.length || filter.status.includes(run.status)) &&
          (!filter.project || filter.project === run.project) &&
          (!filter.pipeline ||
            (filter.pipeline.startsWith('startswith:')
              ? run.pipeline.startsWith(filter.pipeline.slice('startswith:'.length))
              : run.pipeline === filter.pipeline)),
      );
      return { total: found.length, runs: found.slice(0, filter.limit || 100) };
    },
    get_pipeline_run: ({ run }: { run: string }) => find(run),
    watch_pipeline_run: ({ run, events }: { run: string; events: Listener<RunEvent> }) => {
      const record = find(run);
      events.onmessage({ type: 'snapshot', run: record });
      if (record.status === 'running') return new Promise(() => {});
      events.onmessage({ type: 'finished', run: record });
      return null;
    },
    read_run_log: ({
      run,
      step: only,
      from,
      count,
    }: {
      run: string;
      step: number | null;
      from: number;
      count: number;
    }) => {
      const all = logLines(find(run)).filter((line) => only === null || line.step === only);
      const lines = all.slice(from, from + count).map((line, i) => ({ ...line, number: from + i }));
      return { total: all.length, lines };
    },
    cancel_pipeline_run: () => null,
    delete_pipeline_run: ({ run }: { run: string }) => {
      known = known.filter((one) => one.id !== run);
      return null;
    },
    list_code_repositories: () => registered,
    save_code_repository: ({ repository }: { repository: CodeRepository }) => {
      registered = [...registered.filter((one) => one.name !== repository.name), repository];
      return repository;
    },
    remove_code_repository: ({ name }: { name: string }) => {
      registered = registered.filter((one) => one.name !== name);
      return null;
    },
    sync_builds: () => syncReport,
    ...override,
  };
}
