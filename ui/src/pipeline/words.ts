/** What a pipeline's plan says, in words. */
import type { Candidate, CheckoutState, Delivery, Plan, PlannedStep, PlannedTarget } from '../lib/ipc';
import { plural, short } from '../lib/ui/format';

/** "Everything is built", "1 of 3 images to build" */
export function pipelineHeadline(plan: Pick<Plan, 'targets' | 'pipeline'>): string {
  if (plan.pipeline?.given) return 'A build of your choice';
  const all = plan.targets.length;
  const missing = plan.targets.filter((target) => target.decision !== 'reuse').length;
  if (all === 0) return 'No image to build';
  if (missing === 0) return 'Nothing to build';
  return missing === all ? `${plural(all, 'image')} to build` : `${missing} of ${all} images to build`;
}

/** Whether a run can begin without a build. */
export function isReady(targets: readonly Pick<PlannedTarget, 'decision'>[]): boolean {
  return targets.every((target) => target.decision === 'reuse');
}

const deliveries: Record<Delivery, string> = {
  included: 'included in the image',
  code_repository: 'from a code repository',
  artifact_store: 'from the artifact store',
  none: 'not at all',
};

/** "from the artifact store" */
export function deliveryWord(delivery: Delivery): string {
  return deliveries[delivery];
}

/** "from code repository fraud at 9c1e77a": how a step's code gets in, with all that is known of where from. */
export function deliveryPhrase(
  step: Pick<PlannedStep, 'delivery'>,
  repository: string | null,
  commit: string | null,
): string {
  if (step.delivery !== 'code_repository') return deliveries[step.delivery];
  const name = repository ? `code repository ${repository}` : 'a code repository';
  return commit ? `from ${name} at ${short(commit)}` : `from ${name}`;
}

export type CheckoutWord = { word: string; good: boolean };

/** What is true of a checkout, one short word each: "clean", or everything that it is not. An older commit needs no branch. */
export function checkoutWords(checkout: CheckoutState, atHead = true): CheckoutWord[] {
  const not = [
    checkout.uncommitted && 'uncommitted changes',
    checkout.untracked && 'untracked files',
    checkout.unpushed && 'not pushed',
  ].filter((word) => word !== false);
  const words = not.map((word) => ({ word, good: false }));
  if (!checkout.uncommitted && !checkout.untracked) words.unshift({ word: 'clean', good: true });
  // A commit can be fetched whether or not a branch stands on it here.
  if (atHead && checkout.commit !== null && checkout.branch === null) words.push({ word: 'detached HEAD', good: true });
  if (checkout.commit === null) words.push({ word: 'no commit yet', good: false });
  return words;
}

/** "all 8 conditions hold", "2 of 8 conditions fail" */
export function conditionsWord({ conditions = [] }: Pick<Candidate, 'conditions'>): string {
  const failing = conditions.filter((condition) => !condition.holds).length;
  if (conditions.length === 0) return '';
  if (failing === 0)
    return conditions.length === 1 ? 'its condition holds' : `all ${conditions.length} conditions hold`;
  return `${failing} of ${plural(conditions.length, 'condition')} ${failing === 1 ? 'fails' : 'fail'}`;
}

/** "2 of 7 builds usable with gpu" */
export function usableWord(candidates: readonly Pick<Candidate, 'verdict'>[], stack: string): string {
  const usable = candidates.filter((candidate) => candidate.verdict !== 'rejected').length;
  if (candidates.length === 0) return `no build to compare with ${stack}`;
  return usable === 0
    ? `no build usable with ${stack}`
    : `${usable} of ${plural(candidates.length, 'build')} usable with ${stack}`;
}
