import {
  ask,
  type Build,
  type BuildId,
  type BuildRequest,
  commands,
  type EngineStatus,
  events,
  Failure,
  type Notice,
  type Plan,
  type Project,
  type ProjectId,
  type Settings,
} from '../ipc';
import { gather } from './gather';
import { Router } from './router.svelte';
import { toasts } from './toasts.svelte';

const remembered = 'headstart.project';

/** What every screen shares: the projects, the screen, the engine, what is running, the inbox, the settings. */
export class App {
  router = new Router();

  projects = $state.raw<Project[]>();
  failure = $state.raw<Failure>();
  #chosen = $state<ProjectId | null>(localStorage.getItem(remembered));
  /** The current project; the first one when the chosen one is gone. */
  project = $derived(this.projects?.find((p) => p.id === this.#chosen) ?? this.projects?.[0] ?? null);

  /** Commit selected in History, per project, so that coming back finds it. */
  #commits = $state.raw<Record<ProjectId, string>>({});
  commit = $derived(this.project ? (this.#commits[this.project.id] ?? null) : null);

  engine = $state.raw<EngineStatus>();
  settings = $state.raw<Settings>();
  notices = $state.raw<Notice[]>([]);
  unread = $derived(this.notices.filter((notice) => !notice.read).length);
  /** Queued and running builds of all projects, oldest first. */
  active = $state.raw<Build[]>([]);
  /** Compose projects that are up, shells, pipelines that run and jobs of datum pipelines. */
  runs = $state(0);
  /** Builds of all projects. */
  builds = $derived(this.projects?.reduce((sum, p) => sum + p.builds, 0) ?? 0);
  /** Rises whenever the catalogue, a project or a repository may have changed: `$effect(() => { app.revision; refetch() })`. */
  revision = $state(0);

  theme = $derived(this.settings?.theme ?? 'system');

  /** Loads everything and listens. Returns how to stop. */
  start(): () => void {
    void this.refresh();
    void this.loadEngine();
    void ask(commands.getSettings()).then(
      (settings) => (this.settings = settings),
      (thrown) => this.report(thrown),
    );
    // A running build says so often.
    const look = gather(() => this.refresh());
    const stops = [
      events.catalogueChanged.listen(look.call),
      events.openBuild.listen(({ payload }) => this.showBuild(payload.build)),
      events.openRun.listen(({ payload }) => this.showRun(payload.run)),
      events.openJob.listen(({ payload }) => this.showJob(payload.job)),
    ];
    const onfocus = () => {
      look.call();
      void this.loadEngine();
    };
    window.addEventListener('focus', onfocus);
    const poll = setInterval(() => void this.loadEngine(), 15_000);
    return () => {
      look.stop();
      clearInterval(poll);
      window.removeEventListener('focus', onfocus);
      for (const stop of stops) void stop.then((f) => f());
    };
  }

  /** Fetches what changes with the catalogue. */
  async refresh() {
    this.revision += 1;
    const active = { ...anyBuild, status: ['queued' as const, 'running' as const], ascending: true, limit: 20 };
    // Without an engine there are no runs to count; that takes a while to find out and keeps nothing else waiting.
    void Promise.allSettled([
      ask(commands.listRuns()).then((shells) => shells.length),
      ask(commands.listDeployments()).then((deployments) => deployments.length),
      ask(commands.listPipelineRuns({ status: ['queued', 'running'], limit: 1 })).then((runs) => runs.total),
      ask(commands.listJobs({ status: ['queued', 'running'], limit: 1 })).then((jobs) => jobs.total),
    ]).then((counts) => {
      this.runs = counts.reduce((sum, count) => sum + (count.status === 'fulfilled' ? count.value : 0), 0);
    });
    const [projects, builds, notices] = await Promise.allSettled([
      ask(commands.listProjects()),
      ask(commands.listBuilds(active)),
      ask(commands.listNotices()),
    ]);
    if (projects.status === 'fulfilled') {
      this.projects = projects.value;
      this.failure = undefined;
    } else this.failure = Failure.from(projects.reason);
    if (builds.status === 'fulfilled') this.active = builds.value.builds;
    if (notices.status === 'fulfilled') this.notices = notices.value;
    this.#seen();
  }

  /** A build that ends while one looks at it is no news. */
  #seen() {
    const { screen } = this.router;
    if (!document.hasFocus()) return;
    if (screen.name === 'build') this.#readNoticesOf(screen.build);
    if (screen.name === 'run') this.#readNoticesOf(screen.run);
    if (screen.name === 'job') this.#readNoticesOf(screen.job);
  }

  #readNoticesOf(subject: string) {
    const about = (notice: Notice) => [notice.build, notice.run, notice.job].includes(subject);
    const unread = this.notices.filter((n) => about(n) && !n.read).map((n) => n.id);
    if (unread.length) void this.markRead(unread);
  }

  async loadEngine() {
    try {
      this.engine = await ask(commands.engineStatus());
    } catch (thrown) {
      this.report(thrown);
    }
  }

  chooseProject(id: ProjectId) {
    this.#chosen = id;
    localStorage.setItem(remembered, id);
  }

  /** Selects a commit of the current project in History. */
  selectCommit(commit: string | null) {
    if (!this.project) return;
    const { [this.project.id]: _, ...others } = this.#commits;
    this.#commits = commit ? { ...others, [this.project.id]: commit } : others;
  }

  /** Goes to History at a commit, of another project if need be. */
  showCommit(commit: string, project?: ProjectId) {
    if (project) this.chooseProject(project);
    this.selectCommit(commit);
    this.router.go({ name: 'history' });
  }

  showBuild(build: BuildId) {
    this.router.go({ name: 'build', build });
    this.#readNoticesOf(build);
  }

  showRun(run: string) {
    this.router.go({ name: 'run', run });
    this.#readNoticesOf(run);
  }

  showJob(job: string) {
    this.router.go({ name: 'job', job });
    this.#readNoticesOf(job);
  }

  showDatumPipeline(pipeline: string, stack: string | null) {
    this.router.go({ name: 'datum-pipeline', stack, pipeline });
  }

  /** Shows a data repository, at a commit or the head of a branch. */
  showDataRepo(repo: string, stack: string | null, at: { branch?: string; commit?: string; path?: string } = {}) {
    this.router.go({ name: 'data-repo', stack, repo, ...at });
  }

  /** Starts a build and shows it. What can be reused is not built, and said so. */
  async build(request: BuildRequest, plan?: Plan): Promise<BuildId | null> {
    try {
      const id = await ask(commands.startBuild(request));
      if (plan?.decision === 'reuse' && !request.full && !request.no_cache) {
        toasts.show('Nothing to build: an existing build has this environment and this code.', {
          tone: 'ok',
          action: { label: 'Show build', run: () => this.showBuild(id) },
        });
      } else this.showBuild(id);
      return id;
    } catch (thrown) {
      this.report(thrown);
      return null;
    }
  }

  /** Marks notices as read; all if none is named. */
  async markRead(ids: number[] = []) {
    this.notices = this.notices.map((n) => (ids.length === 0 || ids.includes(n.id) ? { ...n, read: true } : n));
    try {
      await ask(commands.markRead(ids));
    } catch (thrown) {
      this.report(thrown);
    }
  }

  /** Stores settings; the answer is what then holds. */
  async saveSettings(settings: Settings) {
    const before = this.settings;
    this.settings = settings;
    try {
      this.settings = await ask(commands.setSettings(settings));
    } catch (thrown) {
      this.settings = before;
      this.report(thrown);
    }
  }

  /** Shows an error of something the user did as a message in the corner. */
  report(thrown: unknown) {
    const failure = Failure.from(thrown);
    const sentence = failure.message.charAt(0).toUpperCase() + failure.message.slice(1);
    toasts.show(failure.hint ? `${sentence}. ${failure.hint}` : sentence, { tone: 'fail' });
  }
}

/** A filter that lets every build through. */
export const anyBuild = {
  project: null,
  status: [],
  branch: null,
  id: null,
  commit: null,
  text: null,
  pinned: null,
  sort: 'created' as const,
  ascending: false,
  offset: 0,
  limit: 0,
};

export const app = new App();
