/** Builders of the made-up engine: its own, one that rests, one far away that does not answer. */

import type { Builder, BuilderNode, BuilderUsage, CacheEntry, NewBuilder } from '../../src/lib/ipc';

type Handlers = Record<string, (args: never) => unknown>;

export function node(part: Partial<BuilderNode> = {}): BuilderNode {
  return {
    name: 'default',
    endpoint: 'default',
    status: 'running',
    platforms: ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3', 'linux/386'],
    buildkit: 'v0.16.0',
    options: [],
    problem: null,
    ...part,
  };
}

export function builder(part: Partial<Builder> = {}): Builder {
  return {
    name: 'default',
    driver: 'docker',
    selected: true,
    is_context: true,
    nodes: [node()],
    problem: null,
    can_export_cache: true,
    why_not: null,
    hint: null,
    warning: null,
    ...part,
  };
}

const warning = 'it keeps images to itself: with no registry, each one built is transferred to the engine';

export const own = builder({
  can_export_cache: false,
  why_not: 'its engine keeps images in the classic store, which has no cache to export',
  hint: 'switch the engine to the containerd image store, or make a docker-container builder',
});
export const resting = builder({
  name: 'team',
  driver: 'docker-container',
  selected: false,
  is_context: false,
  warning,
  nodes: [
    node({
      name: 'team0',
      endpoint: 'unix:///var/run/docker.sock',
      status: 'inactive',
      platforms: [],
      buildkit: null,
      options: [
        { name: 'image', value: 'registry.example/buildkit:v0.16.0' },
        { name: 'memory', value: '4g' },
      ],
    }),
  ],
});
export const cluster = builder({
  name: 'arm-farm',
  driver: 'kubernetes',
  selected: false,
  is_context: false,
  warning,
  nodes: [
    node({ name: 'farm0', endpoint: 'kubernetes:///farm?deployment=', platforms: ['linux/arm64'] }),
    node({ name: 'farm1', endpoint: 'kubernetes:///farm?deployment=', platforms: ['linux/arm64', 'linux/arm/v7'] }),
  ],
});
export const far = builder({
  name: 'office',
  selected: false,
  nodes: [],
  problem: 'Cannot connect to the Docker daemon at tcp://10.0.0.7:2376. Is the docker daemon running?',
  can_export_cache: false,
  why_not: 'its engine did not say how it keeps images',
  hint: 'start that engine, or make a docker-container builder',
});

function entry(number: number, part: Partial<CacheEntry> = {}): CacheEntry {
  return {
    id: `entry${number}`,
    kind: 'regular',
    bytes: 301_100_000 / (number + 1),
    description: 'mount / from exec /bin/sh -c make -j2 BUILD_TLS=yes && make test-deps',
    shared: number % 4 === 3,
    reclaimable: true,
    last_used: '2 hours ago',
    ...part,
  };
}

export function usage(name: string): BuilderUsage {
  return {
    builder: name,
    total_bytes: 4_184_000_000,
    reclaimable_bytes: 4_180_000_000,
    prunable_bytes: 3_516_000_000,
    records: 3241,
    reclaimable_records: 3240,
    prunable_records: 2640,
    entries: Array.from({ length: 30 }, (_, i) => entry(i)),
  };
}

/** Answers about builders that remember what was done. */
export function builderHandlers(list: Builder[] = [own, resting, cluster, far]): Handlers {
  let all = list;
  const find = (name: string) => all.find((one) => one.name === name);
  return {
    list_builders: () => all,
    create_builder: ({ builder: wanted }: { builder: NewBuilder }) => {
      const made = builder({ ...resting, name: wanted.name, driver: wanted.driver });
      all = [...all, made];
      return made;
    },
    select_builder: ({ name }: { name: string }) => {
      all = all.map((one) => ({ ...one, selected: one.name === name }));
      return find(name);
    },
    bootstrap_builder: ({ name }: { name: string }) =>
      Promise.reject({
        code: 'engine',
        message: `the builder ${name} could not be started: its image registry.example/buildkit:v0.16.0 could not be pulled`,
        hint: 'check that the engine reaches the registry, or make the builder with a BuildKit image that it has: option image=…',
        detail:
          'Error response from daemon: failed to resolve reference "registry.example/buildkit:v0.16.0": no such host',
        problems: [],
      }),
    remove_builder: ({ name }: { name: string }) => {
      all = all.filter((one) => one.name !== name);
      return null;
    },
    builder_usage: ({ name }: { name: string }) => usage(name),
    prune_builder: ({ name }: { name: string }) => ({ builder: name, freed_bytes: 3_516_000_000 }),
  };
}
