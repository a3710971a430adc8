/** Deploys this window started: their lines as they come, until they are dismissed. They go on whatever screen is shown. */
import {
  ask,
  type Build,
  type BuildEvent,
  type BuildId,
  type BuildRequest,
  Channel,
  commands,
  type DeployEvent,
  type Deployment,
  Failure,
} from '../lib/ipc';
import { statusWord } from '../lib/ui/status';

/** Lines kept of one deploy. */
const KEPT = 2_000;

export class Deploy {
  readonly id: number;
  readonly request: BuildRequest;
  readonly name: string;
  readonly startedAt = Date.now();
  lines = $state.raw<readonly string[]>([]);
  state = $state<'running' | 'done' | 'failed'>('running');
  /** The build that comes first, once it is started. */
  build = $state<BuildId | null>(null);
  deployment = $state.raw<Deployment | null>(null);
  failure = $state.raw<Failure | null>(null);

  constructor(id: number, request: BuildRequest, name: string) {
    this.id = id;
    this.request = request;
    this.name = name;
  }

  /** Takes what the build says; returns its end, when that is what it says. */
  hear(event: BuildEvent): Build | null {
    if (event.type === 'log') this.say(event.lines.map((line) => line.text));
    return event.type === 'finished' ? event.build : null;
  }

  say(lines: readonly string[]) {
    this.lines = [...this.lines, ...lines].slice(-KEPT);
  }

  apply(event: DeployEvent) {
    switch (event.type) {
      case 'line':
        this.say([event.text]);
        break;
      case 'done':
        this.deployment = event.deployment;
        this.state = 'done';
        break;
      case 'failed':
        this.fail(new Failure(event.error));
        break;
    }
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
    const channel = new Channel<DeployEvent>();
    channel.onmessage = (event) => deploy.apply(event);
    try {
      if (await this.#build(deploy)) await ask(commands.deploy(request, channel));
    } catch (thrown) {
      deploy.fail(Failure.from(thrown));
    }
    if (deploy.state === 'done') setTimeout(() => this.dismiss(deploy), 6_000);
    return deploy;
  }

  /** Builds what is missing; returns whether everything is there. */
  async #build(deploy: Deploy): Promise<boolean> {
    if (deploy.request.options?.no_build) return true;
    const id = await ask(commands.startBuild(deploy.request));
    deploy.build = id;
    let ended: Build | null = null;
    const channel = new Channel<BuildEvent>();
    channel.onmessage = (event) => (ended = deploy.hear(event) ?? ended);
    await ask(commands.watchBuild(id, channel));
    // The record tells for sure, also of a build that had ended before.
    const { status, error }: Build = ended ?? (await ask(commands.getBuild(id)));
    if (status === 'succeeded') return true;
    const message = error ? `the build failed: ${error}` : `the build is ${statusWord(status)}`;
    deploy.fail(new Failure({ code: 'internal', message, hint: null, detail: null, problems: [] }));
    return false;
  }

  dismiss(deploy: Deploy) {
    this.list = this.list.filter((other) => other !== deploy);
  }
}

export const deploys = new Deploys();
