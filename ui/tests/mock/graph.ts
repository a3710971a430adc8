/** A made-up history of any length, always the same, with lanes as the engine would compute them. */
import type { CommitState, GraphEdge, GraphRow, Ref } from '../../src/lib/ipc';

const verbs = ['fix', 'add', 'drop', 'speed up', 'document', 'test', 'rename', 'split', 'inline', 'guard'];
const things = [
  'listpack conversion when an element grows past the limit',
  'CRLF in the parser',
  'active defrag for modules',
  'lazy free of large sets',
  'replication backlog accounting',
  'cluster slot migration',
  'the io-threads handshake',
  'RESP3 push messages',
  'AOF rewrite under memory pressure',
  'a leak in the Lua sandbox',
];
const people = [
  'Mira Kessler',
  'Aoife Byrne',
  'Chen Dao',
  'Jonas Weiß',
  'Sofía Ibarra',
  'Oran Guggenheim',
  'Yuki Hanada',
];

export const EPOCH = Date.UTC(2026, 10, 21, 8, 0);
/** Age of row 0, so that pictures always say the same. */
export const START = Date.now() - 2 * 60_000;

function random(seed: number) {
  return () => {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

function id(n: number): string {
  let x = (n + 1) * 2654435761;
  let out = '';
  while (out.length < 40) {
    x = (x ^ (x << 13)) >>> 0;
    x = (x ^ (x >>> 17)) >>> 0;
    x = (x ^ (x << 5)) >>> 0;
    out += x.toString(16).padStart(8, '0');
  }
  return out.slice(0, 40);
}

export function graph(length: number): GraphRow[] {
  const next = random(7);
  const rows: GraphRow[] = [];
  let made = 0;
  let colors = 0;
  type Lane = { commit: string; color: number } | null;
  const lanes: Lane[] = [{ commit: id(made++), color: 0 }];
  let at = START;
  for (let index = 0; index < length; index++) {
    const live = lanes.flatMap((lane, i) => (lane ? [i] : []));
    const pick = index === 0 ? 0 : (live[Math.floor(next() ** 1.6 * live.length)] ?? 0);
    const lane = lanes[pick] as { commit: string; color: number };
    const commit = lane.commit;
    const edges: GraphEdge[] = [];
    for (const i of live) if (i !== pick) edges.push({ from: i, to: i, color: lanes[i]?.color ?? 0 });
    const parents: string[] = [];
    const root = index === length - 1;
    if (!root && pick > 0 && next() < 0.3 && lanes[0]) {
      parents.push(lanes[0].commit);
      edges.push({ from: pick, to: 0, color: lane.color });
      lanes[pick] = null;
    } else if (!root) {
      const parent = id(made++);
      parents.push(parent);
      lane.commit = parent;
      edges.push({ from: pick, to: pick, color: lane.color });
      if (pick === 0 && live.length < 5 && (index === 2 || index === 8 || next() < 0.22)) {
        let free = lanes.findIndex((other) => other === null);
        if (free < 0) free = lanes.length;
        const color = (colors++ % 7) + 1;
        const second = id(made++);
        lanes[free] = { commit: second, color };
        parents.push(second);
        edges.push({ from: 0, to: free, color });
      }
    }
    const merge = parents.length > 1;
    rows.push({
      index,
      commit,
      parents,
      lane: pick,
      color: lane.color,
      edges,
      summary: merge
        ? `Merge branch 'feature/${things[index % 10]?.split(' ')[0]?.toLowerCase()}-${index}'`
        : `${verbs[Math.floor(next() * 10)]} ${things[Math.floor(next() * 10)]}`,
      author: people[Math.floor(next() ** 1.5 * people.length)] ?? 'nobody',
      committed_at: at,
      refs: [],
      head: index === 0,
    });
    at -= Math.floor(next() ** 3 * 9_000_000) + 60_000;
  }
  const ref = (row: number, name: string, kind: Ref['kind'], head = false) => {
    const at = rows[row];
    if (at) at.refs.push({ name, kind, head, commit: at.commit });
  };
  ref(0, 'unstable', 'branch', true);
  ref(3, 'origin/unstable', 'remote');
  ref(4, 'feature/listpack-limits', 'branch');
  ref(14, '8.4.0-rc2', 'tag');
  ref(14, 'release/8.4', 'branch');
  ref(33, '8.4.0-rc1', 'tag');
  if (rows[5]) rows[5].summary = 'revert "unsafe \u202eexe.gpj\u202c" \u001b[31m<img src=x onerror=alert(1)>';
  return rows;
}

/** Rows that have a build, newest first; each was made from the next one, except where the chain begins. */
export const builtRows = [3, 7, 14, 22, 41, 58];
const chainStart = 22;

export function states(rows: GraphRow[], commits: string[]): CommitState[] {
  const indexOf = new Map(rows.slice(0, 400).map((row) => [row.commit, row.index]));
  return commits.map((commit): CommitState => {
    const index = indexOf.get(commit) ?? 9999;
    const empty: CommitState = {
      commit,
      kind: 'none',
      build: null,
      base_commit: null,
      distance: null,
      speedup: null,
      duration_ms: null,
      reason: null,
      built_from: null,
    };
    const nearest = builtRows.find((row) => row > index);
    const base = nearest === undefined ? null : (rows[nearest]?.commit ?? null);
    if (index === 1) return { ...empty, kind: 'running', build: 'b000000000000001', built_from: base };
    if (builtRows.includes(index))
      return {
        ...empty,
        kind: 'built',
        build: `b0000000000000${index.toString().padStart(2, '0')}`,
        duration_ms: index >= chainStart ? 46_200 - index * 40 : 5_300 + index * 80,
        built_from: index < chainStart ? base : null,
      };
    if (index === 9)
      return { ...empty, kind: 'failed', build: 'b000000000000009', duration_ms: 12_400, reason: 'failed at make' };
    if (index >= 23 && index <= 29)
      return { ...empty, kind: 'blocked', base_commit: base, distance: 41 - index, reason: 'init changed' };
    if (index === 31) return { ...empty, kind: 'unusable', reason: 'no .gitpod.yml' };
    if (base && nearest !== undefined)
      return {
        ...empty,
        kind: 'base',
        base_commit: base,
        distance: nearest - index,
        speedup: index > 41 ? null : 8.4 - ((nearest - index) % 7) * 0.6,
      };
    return empty;
  });
}
