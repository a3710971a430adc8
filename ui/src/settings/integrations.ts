/** The table of integrations while it is edited: packages that belong together, by a name that run configs use. */
import type { Integration } from '../lib/ipc';
import { aptProblem, linesOf, requirementsProblem } from '../stacks/lines';

/** What the engine knows without being told, to go back to. A test holds it against the engine's own. */
export const usual: readonly Integration[] = [
  own('huggingface', ['transformers', 'datasets', 'huggingface_hub>0.19.0']),
  own('lightgbm', ['lightgbm>=1.0.0'], ['libgomp1']),
  own('mlflow', ['mlflow>=2.1.1,<3']),
  own('numpy', ['numpy']),
  own('pandas', ['pandas>=2.0.0']),
  own('pillow', ['pillow>=9.2.0']),
  own('polars', ['polars', 'pyarrow>=12.0.0']),
  own('pytorch', ['torch']),
  own('scipy', ['scipy']),
  own('sklearn', ['scikit-learn>1.3']),
  own('tensorflow', ['tensorflow>=2.12']),
  own('xgboost', ['xgboost>=1.0.0'], ['libgomp1']),
];

function own(name: string, requirements: string[], apt_packages: string[] = []): Integration {
  return { name, requirements, apt_packages };
}

/** Whether the table is as the engine knows it without being told. */
export function isUsual(table: readonly Integration[]): boolean {
  return JSON.stringify(byName(table)) === JSON.stringify(byName(usual));
}

export function byName(table: readonly Integration[]): Integration[] {
  return [...table].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** One integration as it is typed. */
export type IntegrationDraft = { name: string; requirements: string; aptPackages: string };

export function draftOf(integration: Integration | null): IntegrationDraft {
  return {
    name: integration?.name ?? '',
    requirements: (integration?.requirements ?? []).join('\n'),
    aptPackages: (integration?.apt_packages ?? []).join('\n'),
  };
}

export function integrationOf(draft: IntegrationDraft): Integration {
  return {
    name: draft.name.trim(),
    requirements: linesOf(draft.requirements),
    apt_packages: linesOf(draft.aptPackages),
  };
}

/** Everything that keeps a draft from being stored; `taken` are the names of others. */
export function problemsOf(
  draft: IntegrationDraft,
  taken: readonly string[],
): Partial<Record<keyof IntegrationDraft, string>> {
  const problems: Partial<Record<keyof IntegrationDraft, string>> = {};
  const name = draft.name.trim();
  if (!name) problems.name = 'Give it a name.';
  else if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) problems.name = 'Letters, digits and “_”, “.”, “-”.';
  else if (taken.includes(name)) problems.name = 'Another one has this name.';
  const requirements = requirementsProblem(draft.requirements);
  if (requirements) problems.requirements = requirements;
  else if (linesOf(draft.requirements).length + linesOf(draft.aptPackages).length === 0)
    problems.requirements = 'Name at least one package.';
  const apt = aptProblem(draft.aptPackages);
  if (apt) problems.aptPackages = apt;
  return problems;
}

/** The table with one changed or added; `before` is the name it had. */
export function withIntegration(
  table: readonly Integration[],
  integration: Integration,
  before: string | null,
): Integration[] {
  return byName([...table.filter((one) => one.name !== before && one.name !== integration.name), integration]);
}
