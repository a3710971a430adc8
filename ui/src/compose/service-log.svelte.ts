/** The log of one running service as it comes, in the shape the log list reads. */
import { ask, Channel, Failure, type LogLine, type LogPage, commands } from '../lib/ipc';
import { LogPages } from '../log/pages.svelte';

/** Lines kept, twice that for a while; a service may write for days. */
const KEPT = 100_000;
const LATE = 50;

export class ServiceLog {
  readonly composeProject: string;
  readonly service: string;
  readonly pages: LogPages;
  /** Whether more may come. */
  live = $state(true);
  failure = $state.raw<Failure | null>(null);
  #lines: LogLine[] = [];
  /** Number of the oldest line kept. */
  #first = 0;
  #waiting: LogLine[] = [];
  #soon: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(composeProject: string, service: string) {
    this.composeProject = composeProject;
    this.service = service;
    this.pages = new LogPages(this.read);
  }

  /** Lines `from .. from + count`, as far as they are kept. */
  readonly read = (from: number, count: number): Promise<LogPage> => {
    const start = Math.max(0, from - this.#first);
    const lines = this.#lines.slice(start, Math.max(0, from + count - this.#first));
    return Promise.resolve({ total: this.#first + this.#lines.length, lines });
  };

  /** Starts to follow; returns how to stop listening. */
  start(): () => void {
    const channel = new Channel<string>();
    channel.onmessage = (text) => this.take(text);
    ask(commands.serviceLog(this.composeProject, this.service, channel))
      .catch((thrown) => (this.failure = Failure.from(thrown)))
      .finally(() => {
        this.flush();
        this.live = false;
      });
    return () => {
      this.#closed = true;
      // A service that says nothing would never tell that nobody listens any more.
      if (this.live) ask(commands.closeLog(channel.id)).catch(() => undefined);
      clearTimeout(this.#soon);
      this.pages.close();
    };
  }

  /** Takes a line; they are drawn some at a time. */
  take(text: string) {
    if (this.#closed) return;
    if (this.#lines.length >= 2 * KEPT) {
      this.#lines = this.#lines.slice(KEPT);
      this.#first += KEPT;
    }
    const line = { number: this.#first + this.#lines.length, step: 0, at_ms: 0, text };
    this.#lines.push(line);
    this.#waiting.push(line);
    this.#soon ??= setTimeout(() => this.flush(), LATE);
  }

  flush() {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    const lines = this.#waiting;
    this.#waiting = [];
    if (!this.#closed) this.pages.append(lines);
  }
}
