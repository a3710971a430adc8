import { createSubscriber } from 'svelte/reactivity';

/** The time, reactive. Ticks only while something on screen reads it. */
class Ticker {
  #subscribe: () => void;

  constructor(everyMs: number) {
    this.#subscribe = createSubscriber((update) => {
      const timer = setInterval(update, everyMs);
      return () => clearInterval(timer);
    });
  }

  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

/** For running clocks. */
export const seconds = new Ticker(1000);
/** For ages. */
export const minutes = new Ticker(30_000);
