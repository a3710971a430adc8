/** The only door to Tauri. Everything else asks through here and never sees an IPC result. */
import { Channel } from '@tauri-apps/api/core';
import type { Problem, WireError } from './bindings';

export * from './bindings';
export { Channel };

/** An answer that was an error: `message` says what happened, `hint` what to do. */
export class Failure extends Error {
  readonly code: WireError['code'];
  readonly hint: string | null;
  readonly detail: string | null;
  readonly problems: Problem[];

  constructor(error: WireError) {
    super(error.message);
    this.name = 'Failure';
    this.code = error.code;
    this.hint = error.hint;
    this.detail = error.detail;
    this.problems = error.problems;
  }

  /** Makes a failure of anything thrown, so that every error can be shown the same way. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    return new Failure({
      code: 'internal',
      message: 'something in the window went wrong',
      hint: null,
      detail,
      problems: [],
    });
  }
}

type Answer<T> = { status: 'ok'; data: T } | { status: 'error'; error: WireError };

/** Returns the data of an answer or throws its `Failure`. */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  const result = await answer;
  if (result.status === 'error') throw new Failure(result.error);
  return result.data;
}
