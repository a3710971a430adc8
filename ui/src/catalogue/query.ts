/**
 * The catalogue's filter as a person types it, `startswith:ab53 status:failed branch:main crlf`, and as the engine takes
 * it. Controls and text change the same words, so what is saved or shared is one line.
 */

import type { BuildFilter, BuildSort, BuildStatus } from '../lib/ipc';

export interface Query {
  project: string | null;
  status: BuildStatus[];
  branch: string | null;
  id: string | null;
  commit: string | null;
  pinned: boolean | null;
  stack: string | null;
  /** A pipeline's name, or `startswith:` and its beginning. */
  pipeline: string | null;
  /** Whether the images contain the code. */
  code: boolean | null;
  text: string;
  sort: BuildSort;
  ascending: boolean;
}

export const statuses: readonly BuildStatus[] = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'superseded',
  'timed_out',
  'interrupted',
];

export const everything: Query = {
  project: null,
  status: [],
  branch: null,
  id: null,
  commit: null,
  pinned: null,
  stack: null,
  pipeline: null,
  code: null,
  text: '',
  sort: 'created',
  ascending: false,
};

const WORDS = /\b([a-z]+):(?:"([^"]*)"|(\S*))|"([^"]*)"|(\S+)/gi;

/** Reads the words of a search box into a query; what is not a known `key:value` is text. */
export function parseQuery(words: string, before: Query = everything): Query {
  const { project, sort, ascending } = before;
  const query: Query = { ...everything, project, sort, ascending, status: [] };
  const text: string[] = [];
  for (const [, key, quotedValue, bareValue, quoted, bare] of words.matchAll(WORDS)) {
    const value = quotedValue ?? bareValue ?? quoted ?? bare ?? '';
    const name = key?.toLowerCase();
    if (name === 'startswith') query.id = value === '' ? null : `startswith:${value}`;
    else if (name === 'id') query.id = value === '' ? null : value;
    else if (name === 'branch') query.branch = value === '' ? null : value;
    else if (name === 'commit') query.commit = value === '' ? null : value;
    else if (name === 'stack') query.stack = value === '' ? null : value;
    else if (name === 'pipeline') query.pipeline = value === '' || value === 'startswith:' ? null : value;
    else if (name === 'code' && (value === 'inside' || value === 'outside')) query.code = value === 'inside';
    else if (name === 'status' && addStatuses(query, value)) continue;
    else if (value === '' && (name === 'status' || name === 'is' || name === 'not' || name === 'code')) continue;
    else if (name === 'is' && value === 'pinned') query.pinned = true;
    else if (name === 'not' && value === 'pinned') query.pinned = false;
    else text.push(key ? `${key}:${value}` : value);
  }
  query.text = text.join(' ');
  return query;
}

/** Writes the words that `parseQuery` reads. */
export function formatQuery(query: Query): string {
  const words: string[] = [];
  if (query.id !== null) words.push(query.id.startsWith('startswith:') ? query.id : `id:${quote(query.id)}`);
  if (query.status.length > 0) words.push(`status:${query.status.join(',')}`);
  if (query.branch !== null) words.push(`branch:${quote(query.branch)}`);
  if (query.commit !== null) words.push(`commit:${quote(query.commit)}`);
  if (query.pinned !== null) words.push(query.pinned ? 'is:pinned' : 'not:pinned');
  if (query.stack !== null) words.push(`stack:${quote(query.stack)}`);
  if (query.pipeline !== null) words.push(`pipeline:${quote(query.pipeline)}`);
  if (query.code !== null) words.push(query.code ? 'code:inside' : 'code:outside');
  if (query.text !== '') words.push(query.text);
  return words.join(' ');
}

/** Returns what the engine is asked. */
export function toFilter(query: Query, offset: number, limit: number): BuildFilter {
  return {
    project: query.project,
    status: query.status,
    branch: query.branch,
    id: query.id,
    commit: query.commit,
    text: query.text === '' ? null : query.text,
    pinned: query.pinned,
    stack: query.stack,
    pipeline: query.pipeline,
    contains_code: query.code,
    sort: query.sort,
    ascending: query.ascending,
    offset,
    limit,
  };
}

/** Whether anything is left out. */
export function isFiltered(query: Query): boolean {
  return query.project !== null || formatQuery(query) !== '';
}

function addStatuses(query: Query, value: string): boolean {
  const named = value
    .toLowerCase()
    .split(',')
    .filter((word) => word !== '');
  if (named.length === 0 || !named.every((word) => (statuses as readonly string[]).includes(word))) return false;
  query.status = [...new Set([...query.status, ...(named as BuildStatus[])])];
  return true;
}

function quote(value: string): string {
  return /\s/.test(value) ? `"${value}"` : value;
}
