/** Starting runs of pipelines, and starting them again. */
import { ask, commands, type PipelineRun, type RunRequest } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';
import { noOptions } from '../compose/choices.svelte';

/** What runs were started with here: the record has what ran, not every word of what was asked for. */
const asked: Record<string, RunRequest> = {};

/** Starts a run and shows it. */
export async function startRun(request: RunRequest): Promise<string | null> {
  try {
    const run = await ask(commands.startPipelineRun(request));
    asked[run] = request;
    app.showRun(run);
    void app.refresh();
    return run;
  } catch (thrown) {
    app.report(thrown);
    return null;
  }
}

/** What to ask for to run the same again; of uncommitted changes those that are there now. */
export function againOf(run: PipelineRun): RunRequest {
  const before = asked[run.id];
  if (before) return before;
  const dirty = run.commit === null;
  return {
    build: {
      project: run.project,
      commit: dirty ? null : run.commit,
      dirty,
      full: false,
      no_cache: false,
      base: null,
      options: { ...noOptions, stack: run.stack },
    },
    parameters: [],
  };
}
