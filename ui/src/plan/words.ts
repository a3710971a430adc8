/** What a plan says, in words. */
import { composeHeadline, planMark } from '../compose/words';
import type { Estimate, Plan, PlannedTarget } from '../lib/ipc';
import { duration, plural, short } from '../lib/ui/format';
import { pipelineHeadline } from '../pipeline/words';

/** "Incremental", "Already built", "Full build". */
export function headline(plan: Plan): string {
  if (plan.pipeline) return pipelineHeadline(plan);
  const targets = servicesOf(plan);
  if (targets) return composeHeadline(targets);
  switch (plan.decision) {
    case 'reuse':
      return 'Already built';
    case 'incremental':
      return 'Incremental';
    case 'full':
      return 'Full build';
  }
}

/** The mark of a plan: how much of it is there already. */
export function mark(plan: Plan): 'built' | 'base' | 'none' {
  const targets = plan.pipeline ? plan.targets : servicesOf(plan);
  if (targets) return planMark(targets);
  return plan.decision === 'reuse' ? 'built' : plan.decision === 'incremental' ? 'base' : 'none';
}

/** The targets of a plan that decides on each of them. */
function servicesOf(plan: Plan): PlannedTarget[] | null {
  return plan.targets.length > 1 ? plan.targets : null;
}

/** "on 3f2a91c · 4 back · 12 files" */
export function origin(plan: Plan): string | null {
  if (!plan.base) return null;
  const { commit, distance, changed_files } = plan.base;
  return `on ${short(commit)} · ${distance} back · ${plural(changed_files, 'file')}`;
}

export type Expectation = {
  /** What this plan takes. */
  takes_ms: number;
  /** What a full build takes, if that is known and more. */
  instead_ms: number | null;
  saves_ms: number | null;
  samples: number;
};

/** What the plan is expected to take; nothing when no recorded build supports a figure. */
export function expectation(plan: Plan): Expectation | null {
  const { full_ms, load_ms, incremental_ms }: Estimate = plan.estimate;
  if (plan.decision === 'full') {
    return full_ms && { takes_ms: full_ms.p50, instead_ms: null, saves_ms: null, samples: full_ms.samples };
  }
  const takes_ms = plan.decision === 'reuse' ? 0 : incremental_ms && incremental_ms.p50 + (load_ms?.p50 ?? 0);
  if (takes_ms === null) return null;
  const saves_ms = full_ms && full_ms.p50 > takes_ms ? full_ms.p50 - takes_ms : null;
  return {
    takes_ms,
    instead_ms: full_ms?.p50 ?? null,
    saves_ms,
    samples: plan.decision === 'reuse' ? (full_ms?.samples ?? 0) : (incremental_ms?.samples ?? 0),
  };
}

/** What a full build takes, for an incremental plan of whose own time no build tells yet. */
export function onlyFull(plan: Plan): number | null {
  return plan.decision === 'incremental' && expectation(plan) === null ? (plan.estimate.full_ms?.p50 ?? null) : null;
}

/** "about 5 s": an estimate claims no tenths. */
export function about(ms: number): string {
  return 'about ' + (ms < 1000 ? duration(ms) : duration(Math.round(ms / 1000) * 1000).replace('.0 s', ' s'));
}
