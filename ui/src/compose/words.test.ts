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
  serviceRows,
  serviceWord,
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
    [{ state: 'running' }, 'succeeded', 'running'],
    [{ state: 'running', health: 'starting' }, 'running', 'running, starting'],
    [{ state: 'running', health: 'unhealthy' }, 'failed', 'running, unhealthy'],
    [{ state: 'exited', exit_code: 0 }, 'none', 'done'],
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

  it('has addresses without what every address has', () => {
    expect(portWord('http://localhost:8080/')).toBe('localhost:8080');
  });
});
