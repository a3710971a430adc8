/** What is chosen for the next run of a pipeline project: what differs from its run config and its stack for this once. */
import { noOptions } from '../compose/choices.svelte';
import type { Build, BuildId, BuildOptions, BuildRequest, ProjectId } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';
import { type Parameter, pairsOf } from './parameters';

export class RunChoices {
  stack = $state<string | null>(null);
  /** The pipeline, `module.instance`, when it is another than the run config names. */
  source = $state('');
  /** The build whose images are used, whatever the keys find. */
  base = $state<BuildId | null>(null);
  parameters = $state<Parameter[]>([]);

  // Nothing is derived once for all: that would end with the panel in which it was first asked for.

  get options(): BuildOptions {
    return { ...noOptions, stack: this.stack };
  }

  /** What a plan, a build and a run are asked for with. */
  get request(): Pick<BuildRequest, 'base' | 'pipeline' | 'options'> {
    return { base: this.base, pipeline: this.source.trim() || null, options: this.options };
  }

  /** Parameters as the engine takes them; null while one of them is wrong. */
  get pairs() {
    return pairsOf(this.parameters);
  }

  /** What differs from the run config, in words. */
  get words(): string[] {
    const parameters = this.pairs?.map(([name, value]) => `${name}=${value}`) ?? ['a parameter is wrong'];
    return [this.source.trim() ? `pipeline ${this.source.trim()}` : '', ...parameters].filter((word) => word !== '');
  }

  /** Whether anything differs. */
  get changed(): boolean {
    return this.stack !== null || this.base !== null || this.source.trim() !== '' || this.parameters.length > 0;
  }

  /** Goes back to what run config, stack and keys say. */
  reset() {
    this.stack = null;
    this.source = '';
    this.base = null;
    this.parameters = [];
  }
}

// Not reactive: a project's choices are made once and then change within.
const known: Record<ProjectId, RunChoices> = {};

/** Returns a project's choices; they last as long as the window. */
export function runChoicesOf(project: ProjectId): RunChoices {
  return (known[project] ??= new RunChoices());
}

/** Whether a pipeline of a project that is here can run in a build's images. */
export function canUse(build: Build): boolean {
  return (
    build.status === 'succeeded' && !!build.pipeline && !!app.projects?.some((project) => project.id === build.project)
  );
}

/** Goes to the plan of a build's project, with this build instead of one that the keys find. */
export function useBuild(build: Build) {
  if (!canUse(build)) return;
  runChoicesOf(build.project).base = build.id;
  app.chooseProject(build.project);
  app.router.go({ name: 'history' });
}
