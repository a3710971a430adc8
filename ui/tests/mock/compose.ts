/** A made-up compose project behind the window: its plan, its files, what is up, stacks. */
import type {
  BuildEvent,
  BuildRequest,
  ComposeFiles,
  ComposeService,
  DeployEvent,
  Deployment,
  Plan,
  PlannedTarget,
  Project,
  Stack,
  StackCheck,
  Preview,
} from '../../src/lib/ipc';
import { build } from '../samples';
import { graph } from './graph';
import { type Handlers, plan, preview as gitpodPreview, project as workspace } from './world';

type Listener<T> = { onmessage: (event: T) => void };

export const project: Project = {
  ...workspace,
  id: 'c0ffee000001',
  name: 'webshop',
  root: '/home/mira/src/webshop',
  recipe: 'docker-compose.yaml',
  dialect: 'compose',
  branch: 'main',
};

const local: Stack = {
  name: 'local',
  context: null,
  builder: null,
  registry: null,
  registry_single_name: null,
  detect_single_name: true,
  registry_cache: true,
  prefix: 'headstart',
  platform: null,
  artifact_store: null,
  requirements: [],
  apt_packages: [],
  environment: [],
  ca_bundle: null,
};

export const stacks: Stack[] = [
  local,
  { ...local, name: 'staging', builder: 'team', registry: 'registry.example.org:5000/team' },
  {
    ...local,
    name: 'release',
    context: 'build-server',
    builder: 'team',
    registry: '123456789012.dkr.ecr.eu-central-1.amazonaws.com',
    registry_single_name: 'webshop/images',
    platform: 'linux/arm64',
  },
];

const image = (service: string, tag = '9c1e77a') =>
  `registry.example.org:5000/team/headstart-webshop-${service}:${tag}`;

function target(name: string, part: Partial<PlannedTarget> = {}): PlannedTarget {
  return {
    name,
    environment_key: '5d41402abc4b2a76b9719d911017c592ae3f6c7e0f8f7c1a',
    code_key: '7b8b965ad4bca0e41ab51de7b31363a1c94e2cc0f6ab3de1',
    fields: [
      { name: 'dockerfile', value: 'sha256:2f7f2c8d1b1c7a3b5f3b2bd5a3e8a4f0' },
      { name: 'args.API_TOKEN', value: '••••••' },
    ],
    decision: 'full',
    reason: 'files of its context changed since 3f2a91c',
    build: null,
    reference: image(name),
    tags: [image(name, 'latest'), image(name)],
    cache_from: [image(name, 'buildcache'), image(name, 'latest'), image(name, '3f2a91c')].map(
      (ref) => `type=registry,ref=${ref}`,
    ),
    cache_to: [`type=registry,ref=${image(name, 'buildcache')},mode=max,oci-mediatypes=true,image-manifest=true`],
    ...part,
  };
}

export const targets: PlannedTarget[] = [
  target('frontend'),
  target('api', {
    decision: 'reuse',
    reason: 'built already at 3f2a91c',
    build: 'b000000000000003',
    reference: image('api', '3f2a91c'),
  }),
  target('worker', { decision: 'full', reason: 'no build has these keys: build argument NODE_ENV changed' }),
];

export const composePlan = (part: Partial<Plan> = {}): Plan => ({
  ...plan(graph(60)),
  decision: 'full',
  recipe: 'docker-compose.yaml',
  stack: 'staging',
  base: null,
  candidates: [],
  targets,
  reason: 'api is there already; frontend and worker changed.',
  ...part,
});

const service = (name: string, part: Partial<ComposeService> = {}): ComposeService => ({
  name,
  built: true,
  image: null,
  context: name,
  dockerfile: 'Dockerfile',
  profiles: [],
  depends_on: [],
  ports: [],
  ...part,
});

export const files: ComposeFiles = {
  compose_project: 'webshop',
  services: [
    service('frontend', { ports: ['8080:80'], depends_on: ['api'] }),
    service('api', { ports: ['3000:3000'] }),
    service('worker'),
    service('db', { built: false, image: 'postgres:17-alpine', context: null, dockerfile: null }),
  ],
  build_file: JSON.stringify(
    {
      group: { default: { targets: ['frontend', 'worker'] } },
      target: Object.fromEntries(
        ['frontend', 'worker'].map((name) => [
          name,
          {
            context: `/home/mira/src/webshop/${name}`,
            dockerfile: 'Dockerfile',
            args: { API_TOKEN: '••••••', NODE_ENV: 'production' },
            tags: target(name).tags,
            'cache-from': target(name).cache_from,
            'cache-to': target(name).cache_to,
            output: ['type=registry'],
          },
        ]),
      ),
    },
    null,
    2,
  ),
  deploy_file: [
    'name: webshop',
    'services:',
    ...['frontend', 'api', 'worker'].flatMap((name) => [
      `  ${name}:`,
      `    image: ${image(name, name === 'api' ? '3f2a91c' : '9c1e77a')}`,
      '    environment:',
      '      API_TOKEN: ••••••',
      ...(name === 'frontend' ? ['    ports:', '      - 8080:80', '    depends_on:', '      - api'] : []),
    ]),
    '  db:',
    '    image: postgres:17-alpine',
    '    volumes:',
    '      - data:/var/lib/postgresql/data',
    'volumes:',
    '  data: {}',
  ].join('\n'),
  command: [
    'docker',
    'buildx',
    'bake',
    '--builder',
    'team',
    '--file',
    'bake.json',
    '--push',
    '--set',
    '*.labels.note=made by hand',
    'frontend',
    'worker',
  ],
  output: 'push',
  output_reason: 'images are pushed because a registry is set',
  warnings: [],
};

const container = (name: string, part: Partial<Deployment['services'][number]> = {}) => ({
  name,
  container: `webshop-${name}-1`,
  state: 'running',
  health: null,
  status: 'Up 12 minutes',
  image: image(name),
  exit_code: null,
  ports: [],
  ...part,
});

export const deployments: Deployment[] = [
  {
    compose_project: 'webshop',
    project: project.id,
    project_name: 'webshop',
    build: 'b000000000000003',
    commit: '9c1e77a0000000000000000000000000000000ab',
    stack: 'staging',
    services: [
      container('frontend', {
        ports: [{ target: 80, published: 8080, protocol: 'tcp', url: 'http://localhost:8080' }],
      }),
      container('api', {
        health: 'healthy',
        status: 'Up 12 minutes (healthy)',
        ports: [
          { target: 3000, published: 3000, protocol: 'tcp', url: 'http://localhost:3000' },
          { target: 9229, published: null, protocol: 'tcp', url: null },
        ],
      }),
      container('worker', { health: 'unhealthy', status: 'Up 12 minutes (unhealthy)' }),
      container('db', {
        image: 'postgres:17-alpine',
        ports: [{ target: 5432, published: null, protocol: 'tcp', url: null }],
      }),
      container('migrate', { state: 'exited', exit_code: 0, status: 'Exited (0) 12 minutes ago' }),
      container('seed', { state: 'exited', exit_code: 3, status: 'Exited (3) 11 minutes ago' }),
    ],
  },
  {
    compose_project: 'shop-docs',
    project: null,
    project_name: 'shop-docs',
    build: null,
    commit: null,
    stack: 'local',
    services: [
      {
        ...container('site', {
          image: 'headstart-shop-docs-site:77ab012',
          ports: [{ target: 80, published: 8100, protocol: 'tcp', url: 'http://localhost:8100' }],
        }),
        container: 'shop-docs-site-1',
      },
    ],
  },
];

export const checks: StackCheck[] = [
  { part: 'engine', ok: true, message: 'Docker 28.4.0 answers at unix:///var/run/docker.sock', hint: null },
  { part: 'builder', ok: true, message: 'team runs, docker-container, linux/amd64 and linux/arm64', hint: null },
  {
    part: 'registry',
    ok: false,
    message: 'registry.example.org:5000 refuses to be written to: authentication required',
    hint: 'Log in with “docker login registry.example.org:5000”',
  },
  { part: 'cache', ok: true, message: 'team can write a registry cache', hint: null },
];

const said = [
  '\x1b[1m#1\x1b[0m planning frontend, api, worker',
  'api is reused: built already at 3f2a91c',
  '#4 [frontend 2/5] RUN npm ci',
  '#4 CACHED',
  '#5 [frontend 4/5] COPY . .',
  '#6 [frontend 5/5] RUN npm run build',
  '#6 4.212 vite v6.2 building for production…',
  '#6 9.871 ✓ 1482 modules transformed.',
  '#7 exporting to image',
  '#7 pushing layers to registry.example.org:5000',
  ' Network webshop_default  Created',
  ' Container webshop-db-1  Healthy',
  ' Container webshop-frontend-1  Starting',
];

export const preview: Preview = {
  ...gitpodPreview,
  path: '/home/mira/src/webshop',
  root: '/home/mira/src/webshop',
  name: 'webshop',
  recognised: {
    dialect: 'compose',
    file: 'docker-compose.yaml',
    summary: 'Compose file, 4 services (3 built)',
    details: [
      'frontend: built from ./frontend, port 8080:80',
      'api: built from ./api with api/Dockerfile.production, port 3000:3000',
      'worker: built from ./worker, profile background',
      'db: image postgres:17-alpine',
      'env file .env is read',
    ],
  },
  repository: 'branch main, 214 commits, clean',
  problems: [
    {
      severity: 'warning',
      file: 'docker-compose.yaml',
      line: 1,
      column: 1,
      message: '“version” is obsolete and has no effect',
      hint: 'It can go.',
      snippet: "version: '3.8'",
    },
  ],
};

/** Answers of an engine that knows compose; `override` replaces some. */
export function composeHandlers(override: Handlers = {}): Handlers {
  let up = deployments;
  let known = stacks;
  let uses = 'staging';
  return {
    list_projects: () => [{ ...project, stack: uses }, workspace],
    preview_path: () => preview,
    plan_commit: ({ request }: { request: BuildRequest }) => {
      const row = graph(60).find((one) => one.commit === request.commit);
      return composePlan({ commit: row?.commit ?? request.commit ?? '', stack: request.options?.stack ?? 'staging' });
    },
    compose_files: () => files,
    list_stacks: () => known,
    save_stack: ({ stack }: { stack: Stack }) => {
      known = [...known.filter((one) => one.name !== stack.name), stack];
      return null;
    },
    remove_stack: ({ name }: { name: string }) => {
      known = known.filter((one) => one.name !== name);
      return null;
    },
    use_stack: ({ name }: { name: string }) => {
      uses = name;
      return null;
    },
    check_stack: () => new Promise((done) => setTimeout(() => done(checks), 400)),
    list_deployments: () => up,
    take_down: ({ composeProject }: { composeProject: string }) => {
      up = up.filter((one) => one.compose_project !== composeProject);
      return null;
    },
    start_build: () => 'b0ffee',
    watch_build: ({ events }: { events: Listener<BuildEvent> }) => {
      events.onmessage({ type: 'finished', build: build({ id: 'b0ffee', status: 'succeeded' }) });
      return null;
    },
    start_deploy: () => 'webshop',
    cancel_deploy: () => null,
    close_log: () => null,
    watch_deploy: ({ events }: { events: Listener<DeployEvent> }) =>
      new Promise(() => {
        for (const [i, text] of said.entries())
          setTimeout(() => events.onmessage({ type: 'line', text }), 60 * (i + 1));
      }),
    service_log: ({ service, lines }: { service: string; lines: Listener<string> }) =>
      new Promise(() => {
        let n = 0;
        const say = () => {
          n += 1;
          lines.onmessage(
            n % 9 === 0
              ? `\x1b[33mwarn\x1b[0m ${service}: slow query, 812 ms: select * from orders where state = 'open'`
              : `\x1b[32minfo\x1b[0m ${service}: GET /api/orders/${4200 + n} 200 ${(n * 7) % 40} ms`,
          );
        };
        for (let i = 0; i < 240; i++) say();
        setInterval(say, 900);
      }),
    open_port: () => null,
    ...override,
  };
}
