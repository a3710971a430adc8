import { dataStacks } from '../data/stacks.svelte';
import { sizeWords, firstBranch } from '../data/words';
import { pipelineState } from '../datums/words';
import { ask, type Build, commands, type DataRepo, type DatumPipeline, type GraphRow, type Ref } from '../lib/ipc';
import { anyBuild, app } from '../lib/state/app.svelte';
import { Resource } from '../lib/state/resource.svelte';
import { type Action, actions } from '../lib/state/actions.svelte';
import { short } from '../lib/ui/format';
import { best } from './rank';

export type Entry = {
  key: string;
  group: 'Actions' | 'Branches and tags' | 'Builds' | 'Commits' | 'Datum pipelines' | 'Data repositories';
  title: string;
  detail?: string;
  keys?: string;
  mark?: Build['status'];
  run: () => void;
};

/** What the palette finds: actions at once, branches from the list, builds and commits from the engine. */
export class PaletteSearch {
  query = $state('');
  refs = new Resource<Ref[]>();
  commits = new Resource<GraphRow[]>();
  builds = new Resource<Build[]>();
  pipelines = new Resource<DatumPipeline[]>();
  repos = new Resource<DataRepo[]>();
  /** Whose repositories those are. */
  #stack: string | null = null;
  #soon: ReturnType<typeof setTimeout> | undefined;

  entries = $derived.by((): Entry[] => {
    const query = this.query.trim();
    const found = best(
      actions.list.filter((action) => !action.quiet),
      query,
      (action) => `${action.title} ${action.group}`,
      query ? 8 : 40,
    ).map(fromAction);
    if (!query) return found;
    const refs = best(this.refs.data ?? [], query, (ref) => ref.name, 5).map(fromRef);
    const pipelines = best(this.pipelines.data ?? [], query, (one) => one.name, 5).map(fromPipeline);
    const repos = best(this.repos.data ?? [], query, (one) => one.name, 5).map((one) => fromRepo(one, this.#stack));
    return [
      ...found,
      ...pipelines,
      ...repos,
      ...refs,
      ...(this.builds.data ?? []).map(fromBuild),
      ...(this.commits.data ?? []).map(fromCommit),
    ];
  });

  /** Begins anew. */
  open() {
    this.set('');
    const project = app.project?.id;
    if (project) void this.refs.load(() => ask(commands.listRefs(project)));
    this.#stack = dataStacks.current;
    const stack = this.#stack;
    void this.pipelines.load(() => ask(commands.listDatumPipelines(null)));
    void this.repos.load(() => ask(commands.listDataRepos(stack)));
  }

  set(query: string) {
    this.query = query;
    clearTimeout(this.#soon);
    const text = query.trim();
    if (text.length < 2) {
      this.commits.clear();
      this.builds.clear();
      return;
    }
    this.#soon = setTimeout(() => this.#ask(text), 120);
  }

  #ask(text: string) {
    const project = app.project?.id;
    void this.builds.load(async () => (await ask(commands.listBuilds({ ...anyBuild, text, limit: 6 }))).builds);
    if (!project) return;
    void this.commits.load(async () => {
      const hits = await ask(
        commands.searchCommits({
          project,
          query: { branch: null },
          text,
          author: null,
          path: null,
          only_built: false,
          limit: 12,
        }),
      );
      return hits.rows;
    });
  }
}

function fromAction(action: Action): Entry {
  return {
    key: 'a:' + action.id,
    group: 'Actions',
    title: action.title,
    detail: action.group,
    keys: action.keys?.[0],
    run: action.run,
  };
}

function fromRef(ref: Ref): Entry {
  return {
    key: `r:${ref.kind}:${ref.name}`,
    group: 'Branches and tags',
    title: ref.name,
    detail: short(ref.commit),
    run: () => app.showCommit(ref.commit),
  };
}

function fromPipeline(pipeline: DatumPipeline): Entry {
  return {
    key: `p:${pipeline.stack}:${pipeline.name}`,
    group: 'Datum pipelines',
    title: pipeline.name,
    detail: `${pipeline.output} · ${pipelineState(pipeline).word}`,
    run: () => app.showDatumPipeline(pipeline.name, pipeline.stack),
  };
}

function fromRepo(repo: DataRepo, stack: string | null): Entry {
  return {
    key: `d:${repo.name}`,
    group: 'Data repositories',
    title: repo.name,
    detail: sizeWords(firstBranch(repo)?.head ?? null),
    run: () => app.showDataRepo(repo.name, stack),
  };
}

function fromBuild(build: Build): Entry {
  return {
    key: 'b:' + build.id,
    group: 'Builds',
    title: build.summary,
    detail: `${build.project_name} · ${short(build.commit)}`,
    mark: build.status,
    run: () => app.showBuild(build.id),
  };
}

function fromCommit(row: GraphRow): Entry {
  return {
    key: 'c:' + row.commit,
    group: 'Commits',
    title: row.summary,
    detail: `${short(row.commit)} · ${row.author}`,
    run: () => app.showCommit(row.commit),
  };
}
