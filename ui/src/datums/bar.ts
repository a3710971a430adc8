/** The parts of a job's progress bar. */
import type { DatumState, Job } from '../lib/ipc';
import { leftOf } from './words';

export type Part = { state: DatumState; word: string; datums: number };

/** What became of the datums, in the order in which it is drawn; what workers have counts as running. */
export function parts(job: Job): Part[] {
  const left = leftOf(job);
  const running = Math.min(left, job.workers.filter((worker) => worker.datum !== null).length);
  return [
    { state: 'processed', word: 'Processed', datums: job.processed },
    { state: 'reused', word: 'Reused', datums: job.reused },
    { state: 'failed', word: 'Failed', datums: job.failed },
    { state: 'rescued', word: 'Rescued', datums: job.rescued },
    { state: 'running', word: 'Running', datums: running },
    { state: 'waiting', word: 'Waiting', datums: left - running },
  ];
}
