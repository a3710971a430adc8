/** What is chosen for the next build of a compose project: services, and what differs from its stack for this once. */
import { SvelteSet } from 'svelte/reactivity';
import type { ProjectId, BuildOptions } from '../lib/ipc';

/** Whether images share one repository, with what tells them apart in the tag. */
export type SingleName = 'auto' | 'named' | 'off';

export const noOptions: BuildOptions = {
  stack: null,
  registry: null,
  registry_single_name: null,
  no_registry_single_name: false,
  no_registry_cache: false,
  builder: null,
  no_build: false,
};

export class Choices {
  stack = $state<string | null>(null);
  registry = $state('');
  /** Whether images are pushed to a registry if one is set; otherwise they stay in the engine. */
  push = $state(true);
  singleName = $state<SingleName>('auto');
  repository = $state('');
  registryCache = $state(true);
  builder = $state<string | null>(null);
  noCache = $state(false);
  noBuild = $state(false);
  /** Services that are not built this time. */
  readonly left = new SvelteSet<string>();

  // Nothing is derived once for all: that would end with the panel in which it was first asked for.

  get options(): BuildOptions {
    return {
      stack: this.stack,
      builder: this.builder,
      no_build: this.noBuild,
      ...(this.push
        ? {
            registry: this.registry.trim() || null,
            registry_single_name: this.singleName === 'named' ? this.repository.trim() || null : null,
            no_registry_single_name: this.singleName === 'off',
            no_registry_cache: !this.registryCache,
          }
        : // An empty name is none; what belongs to a registry means nothing then.
          { registry: '', registry_single_name: null, no_registry_single_name: false, no_registry_cache: false }),
    };
  }

  /** What differs from the stack, in words. */
  get words() {
    return [
      this.stack !== null && `stack ${this.stack}`,
      !this.push && 'no registry',
      this.push && this.registry.trim() && `registry ${this.registry.trim()}`,
      this.push && this.singleName === 'named' && this.repository.trim() && `single name ${this.repository.trim()}`,
      this.push && this.singleName === 'off' && 'no single name',
      this.push && !this.registryCache && 'no registry cache',
      this.builder !== null && `builder ${this.builder}`,
      this.noCache && 'no cache',
      this.noBuild && 'no build',
    ].filter((word) => word !== false && word !== '');
  }

  /** Goes back to what the stack says. */
  reset() {
    this.stack = null;
    this.registry = '';
    this.push = true;
    this.singleName = 'auto';
    this.repository = '';
    this.registryCache = true;
    this.builder = null;
    this.noCache = false;
    this.noBuild = false;
  }
}

// Not reactive: a project's choices are made once and then change within.
const known: Record<ProjectId, Choices> = {};

/** Returns a project's choices; they last as long as the window. */
export function choicesOf(project: ProjectId): Choices {
  return (known[project] ??= new Choices());
}

/** The image of a cache entry: "type=registry,ref=host/name:tag" names it within. */
export function cacheImage(entry: string): string {
  return /(?:^|,)ref=([^,]+)/.exec(entry)?.[1] ?? entry;
}
