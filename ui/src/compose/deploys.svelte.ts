/** Deploys under way, with their lines as they come, until they are dismissed. They go on whatever screen is shown, and
 * when the page is loaded again. */
import {
  ask,
  type BuildEvent,
  type BuildId,
  type BuildRequest,
  Channel,
  commands,
  type DeployEvent,
  type Deployment,
  Failure,
} from '../lib/ipc';
import { BuildRun } from '../lib/state/build-run.svelte';
import { type Resource, resourceLine } from './words';

/** Lines kept of one deploy. */
const KEPT = 2_000;

type State = 'running' | 'done' | 'failed' | 'cancelled';

export class Deploy {
  readonly id: number;
  readonly request: BuildRequest;
  readonly name: string;
  readonly startedAt: number;
  /** By which the engine knows it, once it does. */
  composeProject = $state<string | null>(null);
  /** The build that comes first, as it happens. */
  readonly run = new BuildRun();
  /** What the build said, and what compose said beside what it does. */
  buildLines = $state.raw<readonly string[]>([]);
  lines = $state.raw<readonly string[]>([]);
  /** Networks, volumes and containers, each as compose said last. */
  resources = $state.raw<readonly Resource[]>([]);
  state = $state<State>('running');
  cancelling = $state(false);
  /** The build that comes first, once it is started. */
  build = $state<BuildId | null>(null);
  deployment = $state.raw<Deployment | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** Whether compose is at work: the build is done, or none was needed. */
  readonly deploying = $derived(this.lines.length + this.resources.length > 0);
  readonly copied = $derived(
    [...this.buildLines, ...this.resources.map((one) => `${one.kind} ${one.name} ${one.state}`), ...this.lines].join(
      '\n',
    ),
  );

  constructor(id: number, request: BuildRequest, name: string, startedAt = Date.now()) {
    this.id = id;
    this.request = request;
    this.name = name;
    this.startedAt = startedAt;
  }

  apply(event: DeployEvent) {
    switch (event.type) {
      case 'building':
        this.build = event.build;
        break;
      case 'line':
        this.#say(event.text);
        break;
      case 'done':
        this.deployment = event.deployment;
        this.state = 'done';
        break;
      case 'cancelled':
        this.state = 'cancelled';
        break;
      case 'failed':
        this.fail(new Failure(event.error));
        break;
    }
  }

  /** Takes what the build says. */
  hear(event: BuildEvent) {
    this.run.apply(event);
    if (event.type === 'log') {
      this.buildLines = [...this.buildLines, ...event.lines.map((line) => line.text)].slice(-KEPT);
    }
  }

  #say(text: string) {
    const resource = resourceLine(text);
    if (!resource) {
      this.lines = [...this.lines, text].slice(-KEPT);
      return;
    }
    const at = this.resources.findIndex((one) => one.kind === resource.kind && one.name === resource.name);
    this.resources = at < 0 ? [...this.resources, resource] : this.resources.with(at, resource);
  }

  fail(failure: Failure) {
    this.failure = failure;
    this.state = 'failed';
  }
}

export class Deploys {
  list = $state.raw<readonly Deploy[]>([]);
  #next = 1;

  /** Builds what is missing, then deploys; resolves when that has ended, either way. */
  async start(request: BuildRequest, name: string): Promise<Deploy> {
    const deploy = new Deploy(this.#next++, request, name);
    // Another go at the same project replaces what is left of the last.
    const others = this.list.filter((other) => other.request.project !== request.project || other.state === 'running');
    this.list = [deploy, ...others];
    try {
      deploy.composeProject = await ask(commands.startDeploy(request));
      await this.#watch(deploy, deploy.composeProject);
    } catch (thrown) {
      deploy.fail(Failure.from(thrown));
    }
    return deploy;
  }

  /** Finds deploys that were started before the page was loaded; resolves when they have ended. */
  async resume(): Promise<readonly Deploy[]> {
    const known = new Set(this.list.map((deploy) => deploy.composeProject));
    const found = (await ask(commands.listDeploys())).filter((one) => !known.has(one.compose_project));
    const resumed = found.map((one) => {
      const deploy = new Deploy(this.#next++, one.request, one.project_name, one.started_at);
      deploy.composeProject = one.compose_project;
      return deploy;
    });
    this.list = [...resumed, ...this.list];
    const watch = async (deploy: Deploy) => {
      try {
        await this.#watch(deploy, deploy.composeProject ?? '');
      } catch (thrown) {
        deploy.fail(Failure.from(thrown));
      }
    };
    await Promise.all(resumed.map(watch));
    return resumed;
  }

  async #watch(deploy: Deploy, composeProject: string) {
    const channel = new Channel<DeployEvent>();
    channel.onmessage = (event) => {
      deploy.apply(event);
      if (event.type === 'building') hearBuild(deploy, event.build);
    };
    await ask(commands.watchDeploy(composeProject, channel));
    // What went well shows in what runs.
    if (deploy.state === 'done') this.dismiss(deploy);
  }

  /** Asks the engine to cancel; the deploy's last event says when it has. */
  async cancel(deploy: Deploy) {
    if (!deploy.composeProject || deploy.state !== 'running' || deploy.cancelling) return;
    deploy.cancelling = true;
    try {
      await ask(commands.cancelDeploy(deploy.composeProject));
    } catch (thrown) {
      deploy.cancelling = false;
      throw thrown;
    }
  }

  dismiss(deploy: Deploy) {
    this.list = this.list.filter((other) => other !== deploy);
  }
}

/** The build is told of in its own stream, which is grouped and may be long. */
function hearBuild(deploy: Deploy, build: BuildId) {
  const channel = new Channel<BuildEvent>();
  channel.onmessage = (event) => deploy.hear(event);
  // Whatever becomes of it, the deploy itself says how it ended.
  ask(commands.watchBuild(build, channel)).catch(() => undefined);
}

export const deploys = new Deploys();
