/** Filters that were given a name, kept in this window's storage. */

import type { BuildSort } from '../lib/ipc';
import { formatQuery, parseQuery, type Query, everything } from './query';

export interface SavedFilter {
  name: string;
  words: string;
  project: string | null;
  sort: BuildSort;
  ascending: boolean;
}

const KEY = 'headstart.filters';
const sorts: readonly BuildSort[] = ['created', 'duration', 'status', 'branch', 'bytes', 'saved'];

export class SavedFilters {
  list = $state.raw<readonly SavedFilter[]>(read());

  /** Keeps a query under a name; another one of that name goes. */
  save(name: string, query: Query): void {
    const filter = {
      name,
      words: formatQuery(query),
      project: query.project,
      sort: query.sort,
      ascending: query.ascending,
    };
    this.#write([...this.list.filter((known) => known.name !== name), filter]);
  }

  remove(name: string): void {
    this.#write(this.list.filter((known) => known.name !== name));
  }

  #write(list: readonly SavedFilter[]): void {
    this.list = list;
    localStorage.setItem(KEY, JSON.stringify(list));
  }
}

/** Returns the query a saved filter stands for. */
export function toQuery(filter: SavedFilter): Query {
  return parseQuery(filter.words, {
    ...everything,
    project: filter.project,
    sort: filter.sort,
    ascending: filter.ascending,
  });
}

/** Reads what is stored; anything that is not a saved filter is passed over. */
function read(): SavedFilter[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isSaved) : [];
  } catch {
    return [];
  }
}

function isSaved(value: unknown): value is SavedFilter {
  if (typeof value !== 'object' || value === null) return false;
  const { name, words, project, sort, ascending } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    typeof words === 'string' &&
    (project === null || typeof project === 'string') &&
    sorts.includes(sort as BuildSort) &&
    typeof ascending === 'boolean'
  );
}
