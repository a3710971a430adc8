/** What a compose project's plan and its containers say, in words. */
import type {
  BuildStatus,
  CommitStateKind,
  ComposeFiles,
  ComposeService,
  DeployedService,
  Deployment,
  Plan,
  PlannedTarget,
} from '../lib/ipc';
import { plural } from '../lib/ui/format';

type Mark = BuildStatus | CommitStateKind | 'up' | 'warning';

/** A service of the compose file with what the plan says of it, if it is built. */
export type ServiceRow = { name: string; service: ComposeService | null; target: PlannedTarget | null };

/** The services in the order of the file; without the file, those that the plan builds. */
export function serviceRows(plan: Plan, files: ComposeFiles | undefined): ServiceRow[] {
  const targets = new Map(plan.targets.map((target) => [target.name, target]));
  const rows: ServiceRow[] = (files?.services ?? []).map((service) => {
    const target = targets.get(service.name) ?? null;
    targets.delete(service.name);
    return { name: service.name, service, target };
  });
  return [...rows, ...[...targets.values()].map((target) => ({ name: target.name, service: null, target }))];
}

/** "Everything is built", "1 of 3 to build", "2 services to build" */
export function composeHeadline(targets: readonly { decision: Plan['decision'] }[]): string {
  const missing = targets.filter((target) => target.decision !== 'reuse').length;
  if (targets.length === 0) return 'Nothing to build';
  if (missing === 0) return 'Everything is built';
  if (missing === targets.length) return `${plural(missing, 'service')} to build`;
  return `${missing} of ${targets.length} to build`;
}

/** How much of a plan is there already: all, some, nothing. */
export function planMark(targets: readonly { decision: Plan['decision'] }[]): 'built' | 'base' | 'none' {
  const missing = targets.filter((target) => target.decision !== 'reuse').length;
  if (missing === 0) return 'built';
  return missing < targets.length ? 'base' : 'none';
}

/** What becomes of one service: its mark, one word. */
export function serviceWord(row: ServiceRow): { mark: Mark; word: string } {
  if (!row.target) return { mark: 'unusable', word: 'image' };
  switch (row.target.decision) {
    case 'reuse':
      return { mark: 'built', word: 'reuse' };
    case 'incremental':
      return { mark: 'base', word: 'incremental' };
    case 'full':
      return { mark: 'none', word: 'build' };
  }
}

/** How a container is: its mark, and whether that is as it should be. */
export function containerMark(service: DeployedService): Mark {
  if (service.health === 'unhealthy') return 'failed';
  switch (service.state) {
    case 'running':
      return service.health === 'starting' ? 'running' : 'up';
    case 'exited':
    case 'dead':
      // A service that did its work and ended is as it should be.
      return service.exit_code === 0 ? 'succeeded' : 'failed';
    case 'created':
      return 'none';
    case 'restarting':
      return 'running';
    default:
      return 'warning';
  }
}

/** "running, healthy", "exited with 1" */
export function containerWord(service: DeployedService): string {
  if (service.state === 'exited' && service.exit_code !== null) {
    return service.exit_code === 0 ? 'done' : `exited with ${service.exit_code}`;
  }
  if (service.state === 'created') return 'not started';
  if (service.health === 'starting') return 'starting';
  return service.health ? `${service.state}, ${service.health}` : service.state;
}

/** "3 running", "2 of 3 running" */
export function deploymentWord({ services }: Deployment): string {
  const running = services.filter((service) => service.state === 'running').length;
  return running === services.length ? `${running} running` : `${running} of ${services.length} running`;
}

/** "localhost:8080", as short as an address can be. */
export function portWord(url: string): string {
  return url.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

/** A network, volume or container as compose said last. */
export type Resource = { kind: string; name: string; state: string };

/** Reads " Container shop-web-1  Started"; null for other lines. */
export function resourceLine(text: string): Resource | null {
  const found = /^ ?(Network|Volume|Container) (\S+) {2}(\S.*)$/.exec(text);
  return found ? { kind: found[1]!, name: found[2]!, state: found[3]!.trim() } : null;
}

/** Where a resource stands: what compose goes on with is running while the deploy is. */
export function resourceMark({ kind, state }: Resource, running: boolean): Mark {
  if (/^(Error|Failed)/.test(state)) return 'failed';
  const settled = ['Started', 'Healthy', 'Running', 'Removed', 'Exited'];
  if (kind !== 'Container') settled.push('Created');
  if (settled.includes(state)) return 'succeeded';
  if (!running) return 'none';
  return state === 'Created' || state === 'Recreated' ? 'queued' : 'running';
}

/** "Up 2 minutes": what the Engine says without the health, which stands beside it. */
export function upWord({ status }: DeployedService): string {
  // “Created” says no more than that it is not started.
  return status === 'Created'
    ? ''
    : status
        .replace(/ \([^)]*\)$/, '')
        .replace('Less', 'less')
        .replace('About', 'about');
}
