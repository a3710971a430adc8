/** Collects lines of a log for the clipboard: as read, without colours, without holding up the window. */

import type { LogPage } from '../lib/ipc';
import { plainText } from './ansi';

/** More than this belongs in a file, not in a clipboard. */
export const MOST_LINES = 200_000;

const CHUNK = 5000;

export class TooLong extends Error {}

/** Returns lines `from ..= to` as text; `progress` hears the share done. */
export async function collect(
  read: (from: number, count: number) => Promise<LogPage>,
  from: number,
  to: number,
  progress: (share: number) => void = () => {},
): Promise<string> {
  const wanted = to - from + 1;
  if (wanted > MOST_LINES) throw new TooLong();
  const parts: string[] = [];
  for (let at = from; at <= to; at += CHUNK) {
    const page = await read(at, Math.min(CHUNK, to - at + 1));
    for (const line of page.lines) parts.push(plainText(line.text));
    progress(Math.min(1, (at + CHUNK - from) / wanted));
    // An answer cut short by the engine ends the log.
    if (page.lines.length === 0) break;
    if (page.lines.length < Math.min(CHUNK, to - at + 1)) at -= CHUNK - page.lines.length;
  }
  return parts.join('\n');
}
