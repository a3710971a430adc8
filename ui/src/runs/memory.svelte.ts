/** What the list of runs was filtered by, so that coming back finds it so. */
import { allRuns, type RunQuery } from './filter';

const page = 50;

export const memory = $state<{ query: RunQuery; limit: number; jobs: number; readonly page: number }>({
  query: allRuns,
  limit: page,
  // Of jobs the newest; each pipeline has the list of its own.
  jobs: 10,
  page,
});
