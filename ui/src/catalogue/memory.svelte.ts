/** What the catalogue was asked for last, so that coming back from a build finds the same list. */

import { everything, type Query } from './query';

export const memory = $state<{ query: Query }>({ query: everything });
