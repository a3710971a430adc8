/** Keeps a live record up to date with the engine while a screen shows it. */

import { Channel, Failure } from '../ipc';

/** What is watched: it takes events and knows whether the watch reported the end. */
export interface Watched<Event> {
  readonly finished: boolean;
  apply(event: Event): void;
}

/** How the engine is asked. */
export interface Source<Event> {
  /** Reports through the channel: what happened so far, then each change until the end. */
  watch(channel: Channel<Event>): Promise<unknown>;
  /** The record as it is now, of something that ended. */
  read(): Promise<Event>;
}

export class Watch<Event, Live extends Watched<Event>> {
  readonly live: Live;
  failure = $state.raw<Failure | null>(null);
  readonly #source: Source<Event>;
  #stopped = false;

  constructor(live: Live, source: Source<Event>) {
    this.live = live;
    this.#source = source;
  }

  /** Starts watching; returns how to stop. Stopping ends the watch, never what is watched. */
  start(): () => void {
    void this.#watch();
    return () => {
      this.#stopped = true;
    };
  }

  /** Asks for the record again, of what ended: it may have been changed or deleted elsewhere. */
  async refresh(): Promise<void> {
    if (!this.live.finished) return;
    await this.#guard(async () => this.#take(await this.#source.read()));
  }

  retry(): void {
    this.failure = null;
    void this.#watch();
  }

  #watch(): Promise<void> {
    const channel = new Channel<Event>();
    channel.onmessage = (event) => this.#take(event);
    return this.#guard(() => this.#source.watch(channel));
  }

  #take(event: Event): void {
    if (!this.#stopped) this.live.apply(event);
  }

  async #guard(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (!this.#stopped) this.failure = Failure.from(thrown);
    }
  }
}
