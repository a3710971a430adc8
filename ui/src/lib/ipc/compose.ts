/**
 * The compose dialect's part of the bindings, written by hand until the engine has it: names and shapes are the ones the
 * generated file will have, so that this file goes and only imports change.
 */
import { invoke } from '@tauri-apps/api/core';
import type { Channel } from '@tauri-apps/api/core';
import type * as generated from './bindings';
import type { BuildId, Decision, ProjectId, WireError } from './bindings';

export type Dialect = 'workspace' | 'compose';

export type Project = Omit<generated.Project, 'dialect'> & {
  dialect: Dialect;
  /** The stack it is built and deployed with. */
  stack: string;
};

/** Where and with what. "local" always exists. */
export type Stack = {
  /** [a-z0-9][a-z0-9-]{0,39} */
  name: string;
  /** Docker context; none = as the docker CLI finds its engine. */
  context: string | null;
  /** Buildx builder; none = the selected one. */
  builder: string | null;
  /** host[:port][/path]; none = images are loaded into the engine. */
  registry: string | null;
  /** ECR-style repository. */
  registry_single_name: string | null;
  detect_single_name: boolean;
  registry_cache: boolean;
  prefix: string;
  /** None = the engine's. */
  platform: string | null;
};

export type StackPart = 'engine' | 'builder' | 'registry' | 'cache';
export type StackCheck = { part: StackPart; ok: boolean; message: string; hint: string | null };

/** What a request changes of its project's stack for this once. */
export type BuildOptions = {
  stack: string | null;
  registry: string | null;
  registry_single_name: string | null;
  no_registry_single_name: boolean;
  no_registry_cache: boolean;
  builder: string | null;
  no_build: boolean;
};

export type BuildRequest = generated.BuildRequest & {
  options: BuildOptions;
  /** Services to build; all when empty. */
  services: string[];
};

export type PlannedTarget = generated.PlannedTarget & {
  decision: Decision;
  reason: string;
  /** The build whose image is reused. */
  build: BuildId | null;
  /** What will be deployed. */
  reference: string | null;
  tags: string[];
  cache_from: string[];
  cache_to: string[];
};

export type Plan = Omit<generated.Plan, 'targets'> & { targets: PlannedTarget[] };

export type ComposeService = {
  name: string;
  built: boolean;
  image: string | null;
  context: string | null;
  dockerfile: string | null;
  profiles: string[];
  depends_on: string[];
  /** "8080:80" */
  ports: string[];
};

/** What building and deploying a compose project would do, to look at and copy. Secrets redacted. */
export type ComposeFiles = {
  compose_project: string;
  services: ComposeService[];
  /** Bake JSON. */
  build_file: string;
  /** Compose YAML. */
  deploy_file: string;
  command: string[];
  /** "load" or "push" */
  output: string;
  output_reason: string;
  warnings: string[];
};

export type PublishedPort = { target: number; published: number | null; protocol: string; url: string | null };

export type DeployedService = {
  name: string;
  container: string;
  /** running, exited, … */
  state: string;
  health: string | null;
  status: string;
  image: string;
  exit_code: number | null;
  ports: PublishedPort[];
};

export type Deployment = {
  compose_project: string;
  project: ProjectId | null;
  project_name: string;
  build: BuildId | null;
  commit: string | null;
  stack: string;
  services: DeployedService[];
};

export type DeployEvent =
  { type: 'line'; text: string } | { type: 'done'; deployment: Deployment } | { type: 'failed'; error: WireError };

type Answer<T> = Promise<{ status: 'ok'; data: T } | { status: 'error'; error: WireError }>;

async function answer<T>(command: string, args: Record<string, unknown> = {}, without?: T): Answer<T> {
  try {
    return { status: 'ok', data: await invoke<T>(command, args) };
  } catch (thrown) {
    if (thrown instanceof Error) throw thrown;
    // An engine that does not have the command yet has nothing to list.
    if (typeof thrown === 'string') {
      const error = { code: 'internal', message: thrown, hint: null, detail: null, problems: [] } as const;
      return without === undefined
        ? { status: 'error', error: { ...error, problems: [] } }
        : { status: 'ok', data: without };
    }
    return { status: 'error', error: thrown as WireError };
  }
}

export const commands = {
  listStacks: () => answer<Stack[]>('list_stacks', {}, []),
  saveStack: (stack: Stack) => answer<null>('save_stack', { stack }),
  removeStack: (name: string) => answer<null>('remove_stack', { name }),
  useStack: (project: ProjectId, name: string) => answer<null>('use_stack', { project, name }),
  checkStack: (name: string) => answer<StackCheck[]>('check_stack', { name }),
  composeFiles: (request: BuildRequest) => answer<ComposeFiles>('compose_files', { request }),
  deploy: (request: BuildRequest, onEvent: Channel<DeployEvent>) => answer<null>('deploy', { request, onEvent }),
  listDeployments: () => answer<Deployment[]>('list_deployments', {}, []),
  takeDown: (composeProject: string, volumes: boolean) => answer<null>('take_down', { composeProject, volumes }),
  /** Follows a service's log until `onLine`'s listener is gone or the service is. */
  serviceLog: (composeProject: string, service: string, onLine: Channel<string>) =>
    answer<null>('service_log', { composeProject, service, onLine }),
  openPort: (url: string) => answer<null>('open_port', { url }),
};
