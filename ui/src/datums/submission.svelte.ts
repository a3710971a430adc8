/** The way of a spec to its jobs: what submitting would do, with which options, and how far it is. */
import {
  ask,
  type BuildId,
  Channel,
  commands,
  Failure,
  type SubmitEvent,
  type SubmitPlan,
  type SubmitRequest,
  type Submitted,
} from '../lib/ipc';
import { chooseFile } from '../lib/ipc/window';
import { app } from '../lib/state/app.svelte';
import { Resource } from '../lib/state/resource.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { plural } from '../lib/ui/format';

/** What can be chosen. */
export type SubmitChoices = Required<
  Pick<
    SubmitRequest,
    'stack' | 'choice' | 'build' | 'push_images' | 'registry' | 'username' | 'ignore' | 'include_git' | 'write_back'
  >
>;

/** Where specs come from: a file, or the text of one that came from none. */
export type SpecSource = Pick<SubmitRequest, 'path' | 'text' | 'folder'>;

export const usual: SubmitChoices = {
  stack: null,
  choice: 'code_as_input',
  build: false,
  push_images: false,
  registry: null,
  username: null,
  ignore: 'pachyderm',
  include_git: false,
  write_back: false,
};

export class SubmitProgress {
  /** What is done now. */
  action = $state<string | null>(null);
  /** Actions that were begun before. */
  begun = $state.raw<readonly string[]>([]);
  copied = $state.raw<{ files: number; bytes: number } | null>(null);
  /** The newest build that is made for it. */
  build = $state<BuildId | null>(null);

  apply(event: SubmitEvent): void {
    switch (event.type) {
      case 'doing':
        if (this.action !== null) this.begun = [...this.begun, this.action];
        this.action = event.action;
        this.copied = null;
        break;
      case 'building':
        this.build = event.build;
        break;
      case 'copying':
        this.copied = { files: event.files, bytes: event.bytes };
        break;
    }
  }
}

export class Submission {
  /** Specs to look at one after the other; the first is shown. */
  queue = $state.raw<readonly SpecSource[]>([]);
  choices = $state.raw<SubmitChoices>(usual);
  plan = new Resource<SubmitPlan>();
  /** How far it is, from the button on. It stays after a failure, to say how far it came. */
  progress = $state.raw<SubmitProgress | null>(null);
  busy = $state(false);
  failure = $state.raw<Failure | null>(null);
  #soon: ReturnType<typeof setTimeout> | undefined;
  #changed = $state(false);

  /** Whether what is shown may not be what would be done: an answer to a change is awaited. */
  readonly pending = $derived(this.#changed || this.plan.pending);

  readonly source = $derived(this.queue[0] ?? null);
  readonly request = $derived<SubmitRequest>({ ...this.source, ...this.choices });

  /** Shows what submitting a spec would do: at once, or after those that are not decided yet. */
  open(source: SpecSource, choices: Partial<SubmitChoices> = {}, behind = false) {
    if (this.source && (behind || this.busy)) this.queue = [...this.queue, source];
    else {
      this.queue = [source, ...this.queue.filter((one) => !same(one, source))];
      this.#begin(choices);
    }
    app.router.go({ name: 'submit' });
  }

  /** Lets the user choose a file; without a file dialog on this desktop, `otherwise`. */
  async choose(otherwise: () => void) {
    try {
      const path = await chooseFile('Open a pipeline spec');
      if (path) this.open({ path });
    } catch {
      otherwise();
    }
  }

  /** Changes options and looks again soon. */
  change(part: Partial<SubmitChoices>) {
    this.choices = { ...this.choices, ...part };
    clearTimeout(this.#soon);
    this.#changed = true;
    this.#soon = setTimeout(() => void this.look(), 180);
  }

  async look(): Promise<void> {
    clearTimeout(this.#soon);
    if (!this.source) return;
    this.#changed = false;
    const request = this.request;
    await this.plan.load(() => ask(commands.planSubmission(request)));
  }

  /** Does it, and goes to the first job. */
  async submit(): Promise<Submitted | null> {
    if (this.busy || this.pending || !this.plan.data?.can_submit) return null;
    const request = this.request;
    const progress = new SubmitProgress();
    this.progress = progress;
    this.failure = null;
    this.busy = true;
    try {
      const events = new Channel<SubmitEvent>();
      events.onmessage = (event) => progress.apply(event);
      const done = await ask(commands.submitPipelines(request, events));
      this.busy = false;
      this.#done(done);
      return done;
    } catch (thrown) {
      this.failure = Failure.from(thrown);
      this.busy = false;
      // What was done is undone; the plan may be another one now.
      void this.look();
      return null;
    }
  }

  /** Leaves the shown spec for the next one, or goes back to the pipelines. */
  next() {
    if (this.busy) return;
    this.queue = this.queue.slice(1);
    this.#begin({});
    if (!this.source && app.router.screen.name === 'submit') app.router.go({ name: 'data', tab: 'pipelines' });
  }

  #done(done: Submitted) {
    const seen = app.router.screen.name === 'submit';
    const [job] = done.jobs;
    const [first] = done.pipelines;
    for (const warning of done.warnings) toasts.show(warning, { tone: 'warn', ms: 0 });
    const names = done.pipelines.length > 2 ? plural(done.pipelines.length, 'pipeline') : done.pipelines.join(' and ');
    const stack = this.choices.stack;
    this.queue = this.queue.slice(1);
    this.#begin({});
    void app.refresh();
    if (seen && !this.source) {
      if (job) app.showJob(job);
      else if (first) app.showDatumPipeline(first, stack);
    }
    toasts.show(`${names} ${done.pipelines.length === 1 ? 'is' : 'are'} submitted.`, {
      tone: 'ok',
      action: job && (!seen || this.source) ? { label: 'Show job', run: () => app.showJob(job) } : undefined,
    });
  }

  #begin(choices: Partial<SubmitChoices>) {
    clearTimeout(this.#soon);
    this.#changed = false;
    this.choices = { ...usual, ...choices };
    this.plan.clear();
    this.progress = null;
    this.failure = null;
    void this.look();
  }
}

function same(a: SpecSource, b: SpecSource): boolean {
  return a.path === b.path && a.text === b.text;
}

export const submission = new Submission();
