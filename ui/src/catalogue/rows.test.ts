import { describe, expect, it } from 'vitest';

import { build } from '../../tests/samples';
import type { BuildFilter, BuildList } from '../lib/ipc';
import { everything } from './query';
import { BuildRows, PAGE } from './rows.svelte';

const settle = () => new Promise((resolve) => setTimeout(resolve));

function catalogue(total: number) {
  const asked: BuildFilter[] = [];
  const list = async (filter: BuildFilter): Promise<BuildList> => {
    asked.push(filter);
    const last = Math.min(total, filter.offset + filter.limit);
    const builds = Array.from({ length: Math.max(0, last - filter.offset) }, (_, i) =>
      build({ id: `b${filter.offset + i}` }),
    );
    return { total, builds };
  };
  return { rows: new BuildRows(list), asked };
}

describe('rows of the catalogue', () => {
  it('come by pages as they are looked at', async () => {
    const { rows, asked } = catalogue(500);
    await rows.set(everything);
    rows.ensure(250, 290);
    rows.ensure(251, 291);
    await settle();
    expect(asked.map((f) => f.offset)).toEqual([0, 200]);
    expect(rows.row(260)?.id).toBe('b260');
    expect(rows.row(150)).toBeUndefined();
    expect(rows.total).toBe(500);
  });

  it('keep what is shown until the next answer is there, and forget an overtaken one', async () => {
    const answers: ((list: BuildList) => void)[] = [];
    const rows = new BuildRows(() => new Promise((resolve) => answers.push(resolve)));
    const first = rows.set(everything);
    answers[0]?.({ total: 1, builds: [build({ id: 'old' })] });
    await first;
    const second = rows.set({ ...everything, text: 'a' });
    const third = rows.set({ ...everything, text: 'ab' });
    expect(rows.row(0)?.id, 'no flash of nothing').toBe('old');
    answers[2]?.({ total: 1, builds: [build({ id: 'ab' })] });
    answers[1]?.({ total: 1, builds: [build({ id: 'a' })] });
    await Promise.all([second, third]);
    expect(rows.row(0)?.id).toBe('ab');
  });

  it('name ids of rows that nobody has scrolled to', async () => {
    const { rows } = catalogue(450);
    await rows.set(everything);
    const ids = await rows.ids(90, 9999);
    expect(ids).toHaveLength(360);
    expect([ids[0], ids.at(-1)]).toEqual(['b90', 'b449']);
  });

  it('refresh what is in view only', async () => {
    const { rows, asked } = catalogue(5000);
    await rows.set(everything);
    rows.ensure(PAGE * 7 + 90, PAGE * 8 + 5);
    await settle();
    asked.length = 0;
    await rows.refresh();
    expect(asked.map((f) => f.offset)).toEqual([700, 800]);
  });
});
