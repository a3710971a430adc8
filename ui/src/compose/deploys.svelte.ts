/** Deploys this window started: their lines as they come, until they are dismissed. They go on whatever screen is shown. */
import { ask, Channel, Failure } from '../lib/ipc';
import { type BuildRequest, commands, type DeployEvent, type Deployment } from '../lib/ipc/compose';

/** Lines kept of one deploy. */
const KEPT = 2_000;

export class Deploy {
  readonly id: number;
  readonly request: BuildRequest;
  readonly name: string;
  readonly startedAt = Date.now();
  lines = $state.raw<readonly string[]>([]);
  state = $state<'running' | 'done' | 'failed'>('running');
  deployment = $state.raw<Deployment | null>(null);
  failure = $state.raw<Failure | null>(null);

  constructor(id: number, request: BuildRequest, name: string) {
    this.id = id;
    this.request = request;
    this.name = name;
  }

  apply(event: DeployEvent) {
    switch (event.type) {
      case 'line':
        this.lines = [...this.lines, event.text].slice(-KEPT);
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

  /** Starts one; resolves when it has ended, either way. */
  async start(request: BuildRequest, name: string): Promise<Deploy> {
    const deploy = new Deploy(this.#next++, request, name);
    // Another go at the same project replaces what is left of the last.
    const others = this.list.filter((other) => other.request.project !== request.project || other.state === 'running');
    this.list = [deploy, ...others];
    const channel = new Channel<DeployEvent>();
    channel.onmessage = (event) => deploy.apply(event);
    try {
      await ask(commands.deploy(request, channel));
    } catch (thrown) {
      deploy.fail(Failure.from(thrown));
    }
    if (deploy.state === 'done') setTimeout(() => this.dismiss(deploy), 6_000);
    return deploy;
  }

  dismiss(deploy: Deploy) {
    this.list = this.list.filter((other) => other !== deploy);
  }
}

export const deploys = new Deploys();
