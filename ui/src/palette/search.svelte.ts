import { ask, type Build, commands, type GraphRow, type Ref } from '../lib/ipc';
import { anyBuild, app } from '../lib/state/app.svelte';
import { Resource } from '../lib/state/resource.svelte';
import { type Action, actions } from '../lib/state/actions.svelte';
import { short } from '../lib/ui/format';
import { best } from './rank';

export type Entry = {
  key: string;
  group: 'Actions' | 'Branches and tags' | 'Builds' | 'Commits';
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
    return [
      ...found,
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
