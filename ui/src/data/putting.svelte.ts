/** A change of a branch: how far its copy is, what it brought, and the jobs that it started. */
import { ask, Channel, commands, type CopyProgress, Failure, type PutReport, type PutRequest } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';

export class Putting {
  busy = $state(false);
  progress = $state.raw<CopyProgress | null>(null);
  report = $state.raw<PutReport | null>(null);
  /** Jobs that process what is new. */
  jobs = $state.raw<string[]>([]);
  failure = $state.raw<Failure | null>(null);

  /** Commits, then lets the pipelines that read the branch have it. Returns whether the commit was made. */
  async put(request: PutRequest): Promise<boolean> {
    this.busy = true;
    this.forget();
    try {
      const progress = new Channel<CopyProgress>();
      progress.onmessage = (at) => (this.progress = at);
      this.report = await ask(commands.putDataFiles(request, progress));
    } catch (thrown) {
      this.failure = Failure.from(thrown);
      return false;
    } finally {
      this.busy = false;
      this.progress = null;
    }
    try {
      if (this.report.new) this.jobs = await ask(commands.processData(request.stack, request.repo, request.branch));
    } catch (thrown) {
      // The files are there; that nothing processes them is another matter.
      app.report(thrown);
    }
    void app.refresh();
    return true;
  }

  forget() {
    this.report = null;
    this.jobs = [];
    this.failure = null;
  }
}
