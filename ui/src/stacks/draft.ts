/** A stack while it is written: what is wrong with it, and what it becomes. */
import type { SingleName } from '../compose/choices.svelte';
import type { Stack } from '../lib/ipc';
import { aptProblem, environmentProblem, linesOf, linesOfPairs, pairsOfLines, requirementsProblem } from './lines';

/** The stack that is always there. */
export const LOCAL = 'local';

export type Draft = {
  name: string;
  context: string;
  builder: string;
  registry: string;
  singleName: SingleName;
  repository: string;
  registryCache: boolean;
  prefix: string;
  platform: string;
  artifactStore: string;
  /** One on each line, as the next two. */
  requirements: string;
  aptPackages: string;
  environment: string;
  caBundle: string;
};

export type Problems = Partial<Record<keyof Draft, string>>;

export function draftOf(stack: Stack | null): Draft {
  return {
    name: stack?.name ?? '',
    context: stack?.context ?? '',
    builder: stack?.builder ?? '',
    registry: stack?.registry ?? '',
    singleName: stack?.registry_single_name ? 'named' : stack && !stack.detect_single_name ? 'off' : 'auto',
    repository: stack?.registry_single_name ?? '',
    registryCache: stack?.registry_cache ?? true,
    prefix: stack?.prefix ?? 'headstart',
    platform: stack?.platform ?? '',
    artifactStore: stack?.artifact_store ?? '',
    requirements: (stack?.requirements ?? []).join('\n'),
    aptPackages: (stack?.apt_packages ?? []).join('\n'),
    environment: linesOfPairs(stack?.environment ?? []),
    caBundle: stack?.ca_bundle ?? '',
  };
}

export function stackOf(draft: Draft): Stack {
  const text = (value: string) => value.trim() || null;
  return {
    name: draft.name.trim(),
    context: text(draft.context),
    builder: text(draft.builder),
    registry: text(draft.registry),
    registry_single_name: draft.singleName === 'named' ? text(draft.repository) : null,
    detect_single_name: draft.singleName !== 'off',
    registry_cache: draft.registryCache,
    prefix: draft.prefix.trim(),
    platform: text(draft.platform),
    artifact_store: text(draft.artifactStore),
    requirements: linesOf(draft.requirements),
    apt_packages: linesOf(draft.aptPackages),
    environment: pairsOfLines(draft.environment),
    ca_bundle: text(draft.caBundle),
  };
}

/** Whether a stack adds anything to pipelines. */
export function hasPipelineParts(stack: Stack): boolean {
  const lists = [stack.requirements, stack.apt_packages, stack.environment];
  return !!stack.artifact_store || !!stack.ca_bundle || lists.some((list) => !!list?.length);
}

/** What is wrong with a registry's address, one sentence. */
export function registryProblem(registry: string): string | null {
  if (/^[a-z]+:\/\//i.test(registry)) return 'Without “https://”: only the host, as in an image’s name.';
  if (/\s/.test(registry)) return 'It has no spaces.';
  const [host = '', ...path] = registry.split('/');
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/i.test(host)) {
    return 'A host, then a port or a path if need be: host[:port][/path].';
  }
  return path.length ? repositoryProblem(path.join('/')) : null;
}

/** What is wrong with a repository's name, one sentence. */
export function repositoryProblem(repository: string): string | null {
  if (/[A-Z]/.test(repository)) return 'Names of images are written in lower case.';
  if (/[:@]/.test(repository)) return 'Without a tag or digest: those are made for each build.';
  const part = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
  return repository.split('/').every((name) => part.test(name))
    ? null
    : 'Small letters, digits, and “.”, “_”, “-” or “/” between them.';
}

/** Everything that keeps a draft from being saved; `taken` are the names of other stacks. */
export function problemsOf(draft: Draft, taken: readonly string[]): Problems {
  const problems: Problems = {};
  const stack = stackOf(draft);
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(stack.name)) {
    problems.name = stack.name ? 'Up to 40 small letters, digits and “-”, a letter or digit first.' : 'Give it a name.';
  } else if (taken.includes(stack.name)) problems.name = 'Another stack has this name.';
  const registry = stack.registry && registryProblem(stack.registry);
  if (registry) problems.registry = registry;
  if (draft.singleName === 'named') {
    const repository = stack.registry_single_name
      ? repositoryProblem(stack.registry_single_name)
      : 'Name the repository that all images go to.';
    if (repository) problems.repository = repository;
  }
  const prefix = stack.prefix ? repositoryProblem(stack.prefix) : 'Images’ names begin with it.';
  if (prefix) problems.prefix = prefix;
  if (stack.platform && !/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9]+)?$/.test(stack.platform)) {
    problems.platform = 'Such as linux/amd64 or linux/arm64/v8.';
  }
  for (const name of ['context', 'builder'] as const) {
    const value = stack[name];
    if (value && !/^[a-zA-Z0-9][a-zA-Z0-9_.+-]*$/.test(value)) problems[name] = 'Letters, digits and “_”, “.”, “-”.';
  }
  // The engine's own folder is not this window's: a path has to say all of itself.
  if (stack.artifact_store && !isWhole(stack.artifact_store)) problems.artifactStore = WHOLE;
  if (stack.ca_bundle && !isWhole(stack.ca_bundle)) problems.caBundle = WHOLE;
  const requirements = requirementsProblem(draft.requirements);
  if (requirements) problems.requirements = requirements;
  const apt = aptProblem(draft.aptPackages);
  if (apt) problems.aptPackages = apt;
  const environment = environmentProblem(draft.environment);
  if (environment) problems.environment = environment;
  return problems;
}

const WHOLE = 'A whole path, from the root on.';

function isWhole(path: string): boolean {
  return /^(\/|[A-Za-z]:[\\/])/.test(path);
}
