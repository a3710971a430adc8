import { expect, it } from 'vitest';
import { builder, cluster, far, node, resting, usage } from '../../tests/mock/builders';
import { complete, type Form, health, healthWord, platforms, preview, problems, request } from './words';

const form: Form = { name: 'team', driver: 'docker-container', endpoint: '', platforms: '', options: '' };

it('says how a builder is from its nodes', () => {
  const half = builder({ nodes: [node(), node({ status: 'stopped' })] });
  expect([cluster, half, resting, far].map(health)).toEqual(['running', 'partly', 'resting', 'broken']);
  expect([cluster, half, resting, far].map(healthWord)).toEqual([
    'running',
    '1 of 2 nodes running',
    'not running',
    'does not answer',
  ]);
});

it('names each platform once, and no variants of what is there anyway', () => {
  expect(platforms(builder())).toEqual(['linux/amd64', 'linux/386']);
  expect(platforms(cluster), 'arm/v7 is no variant of another one here').toEqual(['linux/arm64', 'linux/arm/v7']);
  expect(platforms(builder({ nodes: [node({ platforms: ['linux/amd64/v3'] })] }))).toEqual(['linux/amd64/v3']);
});

it('finds what is wrong with a form before the engine does', () => {
  expect(problems(form, [])).toEqual({});
  for (const name of ['-f', '1st', 'a b', 'a/b', 'a'.repeat(64)])
    expect(problems({ ...form, name }, []).name, name).toBeTruthy();
  expect(problems({ ...form, name: 'Team' }, ['team']).name).toContain('already');
  expect(problems({ ...form, endpoint: 'a b' }, []).endpoint).toBeTruthy();
  expect(problems({ ...form, options: 'memory=4g\nnonsense' }, []).options).toContain('“nonsense”');
});

it('is complete with a name, and for a remote one with an address', () => {
  expect(complete({ ...form, name: ' ' }, [])).toBe(false);
  expect(complete(form, [])).toBe(true);
  expect(complete({ ...form, driver: 'remote' }, [])).toBe(false);
  expect(complete({ ...form, driver: 'remote', endpoint: 'tcp://build.example:1234' }, [])).toBe(true);
});

it('asks for what was typed, without the blanks', () => {
  const typed = { ...form, platforms: 'linux/amd64, linux/arm64', options: ' memory=4g \n\nenv.A=b,c\n' };
  expect(request(typed)).toEqual({
    name: 'team',
    driver: 'docker-container',
    endpoint: null,
    options: ['memory=4g', 'env.A=b,c'],
    platforms: ['linux/amd64', 'linux/arm64'],
  });
});

it('shows what each prune frees and leaves', () => {
  expect(preview(usage('default'), false)).toEqual({ bytes: 3_516_000_000, records: 2640, left: 668_000_000 });
  expect(preview({ ...usage('default'), reclaimable_bytes: 5_000_000_000 }, true).left, 'rounding').toBe(0);
});
