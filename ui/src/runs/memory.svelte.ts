/** What the list of runs was filtered by, so that coming back finds it so. */
import { allRuns, type RunQuery } from './filter';

const page = 50;

export const memory = $state<{ query: RunQuery; limit: number; readonly page: number }>({
  query: allRuns,
  limit: page,
  page,
});
