/** Builds that other people made: looked for in the registries when somebody asks, never by itself. */
import { ask, commands, type ProjectId, type SyncReport } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { plural, sentence } from '../lib/ui/format';
import { visible } from '../lib/ui/visible';

/** "2 builds are new, 3 were known already; the registries were asked for 12 keys." */
export function syncWords({ asked, imported, known }: SyncReport): string {
  if (asked === 0) return 'There was nothing to ask for: no pipeline has a stack with a registry.';
  const found = imported.length === 0 ? 'No new build' : `${plural(imported.length, 'new build')}`;
  const before = known === 0 ? '' : `, ${known} known already`;
  return `${found}${before}; the registries were asked for ${plural(asked, 'key')}.`;
}

/** Asks the registries, of one project or all, and says what came of it. */
export async function findBuildsOfOthers(project: ProjectId | null): Promise<void> {
  try {
    const report = await ask(commands.syncBuilds(project));
    const [first] = report.imported;
    toasts.show(syncWords(report), {
      tone: report.imported.length ? 'ok' : 'plain',
      action: first ? { label: 'Show', run: () => app.showBuild(first) } : undefined,
    });
    for (const problem of report.problems) toasts.show(sentence(visible(problem)), { tone: 'warn', ms: 20_000 });
    if (report.imported.length) void app.refresh();
  } catch (thrown) {
    app.report(thrown);
  }
}
