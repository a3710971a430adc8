import { expect, it } from 'vitest';
import { datum, failed, job, pipeline, pipelines, running } from '../../tests/mock/data';
import {
  arranged,
  commandLine,
  costWords,
  datumOutcome,
  datumBytes,
  datumTitle,
  elapsed,
  jobCounts,
  leftOf,
  leftWords,
  pipelineState,
  placeOf,
  pretty,
  rateWords,
} from './words';

it.each([
  [{ stopped: false, job: running }, 'running', 'running'],
  [{ stopped: true, job: running }, 'running', 'running'],
  [{ stopped: true, job: failed }, 'cancelled', 'stopped'],
  [{ stopped: false, job: failed }, 'failed', 'last job failed'],
  [{ stopped: false, job: job() }, 'succeeded', 'up to date'],
  [{ stopped: false, job: null }, 'none', 'no job yet'],
] as const)('a pipeline has a mark and a word for how it stands', (of, mark, word) => {
  expect(pipelineState(of)).toEqual({ mark, word });
});

it('shows a pipeline that builds code below the one it builds for', () => {
  const shown = arranged([pipelines[1]!, pipelines[2]!, pipelines[0]!]);
  expect(shown.map(({ pipeline, below }) => [pipeline.name, below])).toEqual([
    ['digest', false],
    ['map', false],
    ['map_build', true],
  ]);
  expect(arranged([pipelines[1]!]), 'one whose pipeline is gone stands alone').toMatchObject([{ below: false }]);
});

it('counts what became of datums without what is none', () => {
  expect(jobCounts(job())).toBe('12 processed, 228 reused');
  expect(jobCounts(job({ processed: 0, reused: 0 }))).toBe('none of 240 datums yet');
  expect(jobCounts(job({ total: 0, processed: 0, reused: 0 }))).toBe('no datums');
  expect(leftOf(running)).toBe(240 - 74 - 120 - 2);
  expect(leftOf(job({ total: 3 })), 'counts may run ahead of the total').toBe(0);
});

it('says what a choice costs', () => {
  expect(costWords({ total: 52, new: 12, reused: 40, redo: 0, removed: 0 })).toBe('12 new, 40 reused, 0 redone');
  expect(costWords({ total: 1, new: 0, reused: 1, redo: 0, removed: 2 })).toContain(', 2 removed');
  expect(costWords(null)).toContain('known when');
});

it('names a datum by the files that tell it from others', () => {
  expect(datumTitle(datum(7)), 'code is the same for all').toBe('/page-007.html');
  expect(datumTitle({ ...datum(7), files: [{ ...datum(7).files[1]!, path: '/' }] })).toBe('/');
  expect(datumTitle({ ...datum(7), files: [] })).toBe('000000000000');
  expect(datumBytes(datum(7)), 'code is no part of it').toBe(12_217);
  expect(datumOutcome({ state: 'failed', exit_code: 2, attempts: 3 })).toBe('exit code 2, 3 attempts');
  expect(datumOutcome({ state: 'processed', exit_code: 0, attempts: 1 })).toBe('');
});

it('tells pace and time left in units that fit', () => {
  expect([rateWords(120), rateWords(4.25), rateWords(0.5), rateWords(0.01), rateWords(null)]).toEqual([
    '120 datums/s',
    '4.3 datums/s',
    '30 datums/min',
    '0.6 datums/min',
    '',
  ]);
  expect([leftWords(240, 4), leftWords(0, 4), leftWords(5, null)]).toEqual(['about 1 min 00 s left', '', '']);
});

it('counts on while it runs, and stands still afterwards', () => {
  expect(elapsed(job({ status: 'running', created_at: 1000, duration_ms: 500 }), 3000)).toBe(2000);
  expect(elapsed(job({ duration_ms: 500 }), 3000)).toBe(500);
});

it('writes commands, places and specs as one reads them', () => {
  expect(commandLine(pipeline().command)).toBe("sh /pfs/build/run.sh --mode 'word count'");
  expect(commandLine(["it's"])).toBe("'it'\\''s'");
  expect(placeOf('map@out')).toEqual({ repo: 'map', branch: 'out' });
  expect(placeOf('map')).toEqual({ repo: 'map', branch: 'master' });
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(pretty('a: 1')).toBe('a: 1');
});
