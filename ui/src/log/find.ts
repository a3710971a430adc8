/** Finds lines by reading the log, for logs that the engine does not search. */
import type { LogPage } from '../lib/ipc';
import { plainText } from './ansi';
import { MOST } from './search.svelte';

const CHUNK = 5000;

/** Returns a search that goes on where the last one for the same text ended: a log that grows is not read anew. */
export function finder(read: (from: number, count: number) => Promise<LogPage>): (text: string) => Promise<number[]> {
  let last = { text: '', next: 0, hits: [] as readonly number[] };
  return async (text) => {
    const wanted = text.toLowerCase();
    const known = last.text === wanted ? last : { text: wanted, next: 0, hits: [] };
    const hits = [...known.hits];
    let next = known.next;
    while (hits.length < MOST) {
      const { lines, total } = await read(next, CHUNK);
      for (const line of lines) if (plainText(line.text).toLowerCase().includes(wanted)) hits.push(line.number);
      next += lines.length;
      if (lines.length === 0 || next >= total) break;
    }
    last = { text: wanted, next, hits };
    return hits.slice(0, MOST);
  };
}
