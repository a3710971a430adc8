import { submission } from '../datums/submission.svelte';
import { ask, commands, type Preview, type Project } from '../lib/ipc';
import { chooseFile, chooseFolder, type DropEvent } from '../lib/ipc/window';
import { app } from '../lib/state/app.svelte';
import { Resource } from '../lib/state/resource.svelte';
import { toasts } from '../lib/state/toasts.svelte';

/** A screen that takes dropped files itself while it is shown. */
export type DropTaker = {
  /** What dropping does, as a sentence without its end. */
  words: (paths: string[]) => string;
  take: (paths: string[]) => void;
};

/** The way of a path into Headstart: hovered or chosen, looked at, added. Nothing is written before `add`. */
export class Adding {
  /** Paths held over the window now. */
  hovering = $state.raw<string[]>([]);
  /** What the hovered or chosen path was recognised as. */
  preview = new Resource<Preview>();
  /** Paths to look at one after the other; the first is shown. */
  queue = $state.raw<string[]>([]);
  /** Asking for a path in writing. */
  asking = $state(false);
  busy = $state(false);
  /** Specs among the paths that were opened together. */
  #submitted = 0;

  path = $derived(this.queue[0] ?? null);
  /** Who takes what is dropped, instead of its being looked at. */
  taker = $state.raw<DropTaker | null>(null);

  /** Lets a screen take dropped files until the returned function is called. */
  divert(taker: DropTaker): () => void {
    this.taker = taker;
    return () => {
      if (this.taker === taker) this.taker = null;
    };
  }

  apply(event: DropEvent) {
    if (event.type === 'enter') {
      this.hovering = event.paths;
      if (event.paths[0] && !this.taker) this.#look(event.paths[0]);
    } else if (event.type === 'leave') this.hovering = [];
    else {
      this.hovering = [];
      if (this.taker) this.taker.take(event.paths);
      else this.open(event.paths);
    }
  }

  /** Shows previews of paths, one after the other. */
  open(paths: string[]) {
    this.#submitted = 0;
    this.#show(paths);
  }

  #show(paths: string[]) {
    this.asking = false;
    this.queue = paths;
    if (paths[0]) this.#look(paths[0]);
  }

  /** Lets the user choose a folder or file. */
  async choose(what: 'folder' | 'file') {
    try {
      const path = await (what === 'folder' ? chooseFolder() : chooseFile());
      if (path) this.open([path]);
    } catch {
      // No file dialog on this desktop (no portal): a written path still works.
      this.askPath();
    }
  }

  askPath() {
    this.queue = [];
    this.preview.clear();
    this.asking = true;
  }

  /** Looks again, after a file was corrected. */
  again() {
    if (this.path) this.#look(this.path);
  }

  /** Goes to the next path, or closes. */
  next() {
    this.asking = false;
    this.#show(this.queue.slice(1));
    if (!this.path) this.preview.clear();
  }

  /** Adds the shown path, or a given one, and goes to its history. */
  async add(path = this.path): Promise<Project | null> {
    if (!path) return null;
    this.busy = true;
    try {
      const project = await ask(commands.addProject(path));
      await app.refresh();
      app.chooseProject(project.id);
      app.router.go({ name: 'history' });
      toasts.show(`${project.name} is added.`, { tone: 'ok' });
      this.next();
      return project;
    } catch (thrown) {
      // The preview has the problems with their places; what else went wrong is said in the corner.
      app.report(thrown);
      this.again();
      return null;
    } finally {
      this.busy = false;
    }
  }

  #look(path: string) {
    if (this.preview.data?.path !== path) this.preview.clear();
    else this.#submit();
    void this.preview.load(() => ask(commands.previewPath(path))).then(() => this.#submit());
  }

  /** A spec of datum pipelines is not added but submitted, on a screen of its own. */
  #submit() {
    const seen = this.preview.data;
    if (!seen?.datum_pipelines?.length || !this.path || this.path !== seen.path) return;
    // Several files of one drop keep their order.
    submission.open({ path: this.path }, {}, this.#submitted > 0);
    this.#submitted += 1;
    this.next();
  }
}

/** The path that pasted text stands for, if it is one. */
export function pathIn(text: string): string | null {
  const line = text.trim();
  if (line.length > 4096 || line.includes('\n')) return null;
  if (line.startsWith('file://')) {
    try {
      return decodeURIComponent(new URL(line).pathname);
    } catch {
      return null;
    }
  }
  return /^(\/|[A-Za-z]:[\\/])./.test(line) ? line : null;
}

export const adding = new Adding();
