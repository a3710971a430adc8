import { describe, expect, it } from 'vitest';
import { composePlan, deployments, files, targets } from '../../tests/mock/compose';
import type { DeployedService } from '../lib/ipc';
import { cacheImage } from './choices.svelte';
import {
  composeHeadline,
  containerMark,
  containerWord,
  deploymentWord,
  planMark,
  portWord,
  resourceLine,
  resourceMark,
  serviceRows,
  serviceWord,
  upWord,
} from './words';

const is = (...decisions: ('reuse' | 'full')[]) => decisions.map((decision) => ({ decision }));

describe('a plan', () => {
  it.each([
    [is('reuse', 'reuse'), 'Everything is built', 'built'],
    [is('reuse', 'full'), '1 of 2 to build', 'base'],
    [is('full', 'full'), '2 services to build', 'none'],
    [is(), 'Nothing to build', 'built'],
  ])('says how much of it is there already', (some, words, mark) => {
    expect(composeHeadline(some)).toBe(words);
    expect(planMark(some)).toBe(mark);
  });

  it('lists the services as the file has them, and what only the plan knows after them', () => {
    const rows = serviceRows(composePlan({ targets: [...targets, { ...targets[0]!, name: 'extra' }] }), files);
    expect(rows.map((row) => `${row.name} ${serviceWord(row).word}`)).toEqual([
      'frontend build',
      'api reuse',
      'worker build',
      'db image',
      'extra build',
    ]);
    expect(serviceRows(composePlan(), undefined)).toHaveLength(3);
  });

  it('shows a cache entry by the image within', () => {
    expect(cacheImage('type=registry,ref=host:5000/a/b:buildcache,mode=max')).toBe('host:5000/a/b:buildcache');
    expect(cacheImage('host:5000/a/b:latest')).toBe('host:5000/a/b:latest');
  });
});

describe('a container', () => {
  const one = (part: Partial<DeployedService>): DeployedService => ({
    ...(deployments[0]!.services[0] as DeployedService),
    ...part,
  });

  it.each([
    [{ state: 'running' }, 'up', 'running'],
    [{ state: 'running', health: 'starting' }, 'running', 'starting'],
    [{ state: 'created' }, 'none', 'not started'],
    [{ state: 'running', health: 'unhealthy' }, 'failed', 'running, unhealthy'],
    [{ state: 'exited', exit_code: 0 }, 'succeeded', 'done'],
    [{ state: 'exited', exit_code: 3 }, 'failed', 'exited with 3'],
    [{ state: 'restarting' }, 'running', 'restarting'],
    [{ state: 'paused' }, 'warning', 'paused'],
  ])('in state %j is told by mark and word', (part, mark, word) => {
    expect(containerMark(one(part))).toBe(mark);
    expect(containerWord(one(part))).toBe(word);
  });

  it('is counted when it runs', () => {
    expect(deploymentWord(deployments[0]!)).toBe('4 of 6 running');
    expect(deploymentWord(deployments[1]!)).toBe('1 running');
  });

  it('says how long it is up without saying its health twice', () => {
    expect(upWord(one({ status: 'Up 12 minutes (healthy)' }))).toBe('Up 12 minutes');
    expect(upWord(one({ status: 'Exited (0) 2 minutes ago' }))).toBe('Exited (0) 2 minutes ago');
  });

  it('has addresses without what every address has', () => {
    expect(portWord('http://localhost:8080/')).toBe('localhost:8080');
  });
});

describe('what compose says', () => {
  it.each([
    [' Container shop-web-1  Started', { kind: 'Container', name: 'shop-web-1', state: 'Started' }],
    [' Network shop_default  Creating', { kind: 'Network', name: 'shop_default', state: 'Creating' }],
    ['Error response from daemon: Container web is not running', null],
    [' api Pulling ', null],
  ])('of a resource is told from other lines: %j', (line, resource) => {
    expect(resourceLine(line)).toEqual(resource);
  });

  it.each([
    ['Container', 'Created', 'queued', 'none'],
    ['Network', 'Created', 'succeeded', 'succeeded'],
    ['Container', 'Waiting', 'running', 'none'],
    ['Container', 'Healthy', 'succeeded', 'succeeded'],
    ['Container', 'Error', 'failed', 'failed'],
  ])('%s %s is %s while it deploys and %s afterwards', (kind, state, during, after) => {
    expect(resourceMark({ kind, name: 'x', state }, true)).toBe(during);
    expect(resourceMark({ kind, name: 'x', state }, false)).toBe(after);
  });
});
