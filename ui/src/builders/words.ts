/** What a builder is, in words. */

import type { Builder, BuilderDriver, BuilderUsage, NewBuilder } from '../lib/ipc';
import { plural } from '../lib/ui/format';

export type Health = 'running' | 'partly' | 'resting' | 'broken';

/** How a builder is, from its nodes. */
export function health(builder: Builder): Health {
  if (builder.problem !== null || builder.nodes.length === 0) return 'broken';
  const running = builder.nodes.filter((node) => node.status === 'running').length;
  if (running === builder.nodes.length) return 'running';
  return running > 0 ? 'partly' : 'resting';
}

/** The same as a word for people. */
export function healthWord(builder: Builder): string {
  const running = builder.nodes.filter((node) => node.status === 'running').length;
  switch (health(builder)) {
    case 'running':
      return 'running';
    case 'partly':
      return `${running} of ${plural(builder.nodes.length, 'node')} running`;
    case 'resting':
      return 'not running';
    case 'broken':
      return 'does not answer';
  }
}

/**
 * Platforms of all nodes, each once. Variants that every newer processor has are folded into their architecture:
 * linux/amd64, /v2 and /v3 are one thing to somebody who builds for amd64.
 */
export function platforms(builder: Builder): string[] {
  const all = new Set(builder.nodes.flatMap((node) => node.platforms));
  return [...all].filter((name) => {
    const parent = name.split('/').slice(0, 2).join('/');
    return !(name !== parent && /^linux\/(amd64|arm64|386)$/.test(parent) && all.has(parent));
  });
}

/** What the drivers are, to choose from. */
export const drivers: {
  value: BuilderDriver;
  label: string;
  help: string;
  endpoint: string;
  placeholder: string;
  options: string;
}[] = [
  {
    value: 'docker-container',
    label: 'Container',
    help: 'BuildKit runs in a container of a Docker engine. It can export registry caches and build for other platforms.',
    endpoint: 'Context or address',
    placeholder: 'the Docker engine in use',
    options: 'image=registry.example/buildkit:v0.13\nmemory=4g',
  },
  {
    value: 'kubernetes',
    label: 'Kubernetes',
    help: 'BuildKit runs in pods of a cluster; more replicas build more at once.',
    endpoint: 'Kube context',
    placeholder: 'the current one',
    options: 'namespace=ci\nreplicas=2',
  },
  {
    value: 'remote',
    label: 'Remote',
    help: 'BuildKit runs somewhere already, and this connects to it.',
    endpoint: 'Address of BuildKit',
    placeholder: 'tcp://build.example:1234',
    options: 'cacert=/path/ca.pem\ncert=/path/cert.pem\nkey=/path/key.pem',
  },
];

/** What was typed into the form of a new builder. */
export interface Form {
  name: string;
  driver: BuilderDriver;
  endpoint: string;
  platforms: string;
  options: string;
}

/** What keeps a form from being sent, by field; the engine checks again. */
export function problems(form: Form, taken: string[]): { name?: string; endpoint?: string; options?: string } {
  const found: { name?: string; endpoint?: string; options?: string } = {};
  const name = form.name.trim();
  if (name && !/^[A-Za-z][A-Za-z0-9._-]{0,62}$/.test(name))
    found.name = 'Begin with a letter; then letters, digits, “.”, “_” and “-”.';
  else if (taken.some((other) => other.toLowerCase() === name.toLowerCase()))
    found.name = `There is a builder ${name} already.`;
  if (/\s/.test(form.endpoint.trim())) found.endpoint = 'A context or an address has no spaces.';
  const bad = lines(form.options).find((line) => !/^[A-Za-z][A-Za-z0-9._-]*=/.test(line));
  if (bad !== undefined) found.options = `“${bad}” is no option: write name=value, one per line.`;
  return found;
}

/** Whether everything that is needed is there and right. */
export function complete(form: Form, taken: string[]): boolean {
  const needsEndpoint = form.driver === 'remote' && !form.endpoint.trim();
  return !!form.name.trim() && !needsEndpoint && Object.keys(problems(form, taken)).length === 0;
}

/** The request a form stands for. */
export function request(form: Form): NewBuilder {
  return {
    name: form.name.trim(),
    driver: form.driver,
    endpoint: form.endpoint.trim() || null,
    options: lines(form.options),
    platforms: form.platforms
      .split(/[\s,]+/)
      .map((platform) => platform.trim())
      .filter(Boolean),
  };
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

/** What a prune would free and leave. */
export function preview(usage: BuilderUsage, all: boolean) {
  const frees = all ? usage.reclaimable_bytes : usage.prunable_bytes;
  return {
    bytes: frees,
    records: all ? usage.reclaimable_records : usage.prunable_records,
    // Sizes are rounded one by one, so that the parts can be a little more than the whole.
    left: Math.max(0, usage.total_bytes - frees),
  };
}
