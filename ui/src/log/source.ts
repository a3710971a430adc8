/** Where the log viewer reads from: the log of a build or of a run, whole or one step's. */
import type { LogLine, LogPage } from '../lib/ipc';

export interface LogSource {
  /** What wrote it: "build", "run", "job". */
  readonly of: string;
  /** What one of its steps is called; "step" if absent. */
  readonly part?: string;
  /** Lines of the whole log, as far as they are known before it is read. */
  readonly lines: number;
  readonly steps: readonly { number: number; name: string; parent?: number | null }[];
  /** Whether more may come. */
  readonly active: boolean;
  /** Whether it waits for its turn, so that there cannot be a line yet. */
  readonly queued: boolean;
  /** Whether its last lines say what went wrong. */
  readonly failed: boolean;
  read(step: number | null, from: number, count: number): Promise<LogPage>;
  /** Returns the numbers of lines that contain a text, case-insensitive, rising. */
  find(step: number | null, text: string): Promise<number[]>;
  /** Hears lines as they come, numbered within the whole log, until the returned function is called. */
  onLog(listener: (lines: readonly LogLine[]) => void): () => void;
  /** Opens it in another program; absent where it is no file. */
  open?: () => Promise<unknown>;
}
