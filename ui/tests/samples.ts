/** A build and a step to start a test from. */

import type { Build, Step } from '../src/lib/ipc';

export function step(number: number, part: Partial<Step> = {}): Step {
  return {
    number,
    parent: null,
    name: `step ${number}`,
    cached: false,
    started_at: null,
    duration_ms: null,
    status: 'pending',
    phase: 'steps',
    exit_code: null,
    error: null,
    current_bytes: null,
    total_bytes: null,
    ...part,
  };
}

export function build(part: Partial<Build> = {}): Build {
  return {
    id: 'ab53000000000001',
    project: '0123456789ab',
    project_name: 'redis',
    recipe: '.gitpod.yml',
    stack: 'local',
    platform: 'linux/amd64',
    commit: '9c1e77a0000000000000000000000000000000ab',
    summary: 'parser: accept CRLF',
    branch: 'main',
    dirty: false,
    status: 'running',
    decision: 'incremental',
    reason: '',
    base: null,
    chain: 1,
    environment_key: 'e',
    code_key: 'c',
    fields: [],
    images: [],
    steps: [],
    phases: [],
    created_at: 500,
    started_at: 1000,
    duration_ms: null,
    expected_ms: 5000,
    saved_ms: null,
    contains_code: true,
    pinned: false,
    reused: 0,
    error: null,
    failed_step: null,
    failed_step_number: null,
    log_lines: 0,
    warnings: [],
    ...part,
  };
}
