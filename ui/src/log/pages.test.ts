import { describe, expect, it } from 'vitest';

import type { LogLine, LogPage } from '../lib/ipc';
import { LogPages, PAGE } from './pages.svelte';

const line = (number: number): LogLine => ({ number, step: 1, at_ms: number, text: `line ${number}` });
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => line(from + i));
const settle = () => new Promise((resolve) => setTimeout(resolve));

function log(total: number) {
  const asked: number[] = [];
  const source = {
    total,
    read: async (from: number, count: number): Promise<LogPage> => {
      asked.push(from);
      return { total: source.total, lines: lines(from, Math.min(from + count, source.total)) };
    },
    asked,
  };
  return source;
}

describe('pages of a log', () => {
  it('fetches only what is looked at, once', async () => {
    const source = log(1_000_000);
    const pages = new LogPages(source.read, 1_000_000);
    pages.ensure(700_000, 700_040);
    pages.ensure(700_001, 700_041);
    await settle();
    expect(source.asked).toEqual([700_000]);
    expect(pages.line(700_020)?.text).toBe('line 700020');
    expect(pages.line(3)).toBeUndefined();
  });

  it('forgets what was not looked at for long, and fetches it again', async () => {
    const source = log(1_000_000);
    const pages = new LogPages(source.read, 1_000_000);
    for (let page = 0; page < 60; page++) {
      pages.ensure(page * PAGE, page * PAGE + 10);
      await settle();
    }
    expect(pages.line(0), 'the oldest page is gone').toBeUndefined();
    expect(pages.line(59 * PAGE)).toBeDefined();
    pages.ensure(0, 10);
    await settle();
    expect(pages.line(0)?.number).toBe(0);
  });

  it('learns the total from the first answer', async () => {
    const pages = new LogPages(log(42).read);
    pages.ensure(0, 50);
    await settle();
    expect(pages.total).toBe(42);
    expect(pages.ready).toBe(true);
  });

  it('appends live lines without asking, and fills a gap before them', async () => {
    const source = log(10);
    const pages = new LogPages(source.read, 10);
    pages.ensure(0, 10);
    await settle();
    source.total = 16;
    pages.append(lines(12, 16));
    expect(pages.total).toBe(16);
    expect(pages.line(15)?.text).toBe('line 15');
    expect(pages.line(11), 'two lines were missed').toBeUndefined();
    pages.ensure(0, 16);
    await settle();
    expect(pages.line(11)?.text).toBe('line 11');
  });

  it('takes a build from its first line without a single read', () => {
    const source = log(0);
    const pages = new LogPages(source.read);
    pages.append(lines(0, PAGE));
    pages.append(lines(PAGE, PAGE + 3));
    pages.ensure(0, PAGE + 3);
    expect(source.asked).toEqual([]);
    expect(pages.line(PAGE + 2)?.number).toBe(PAGE + 2);
  });

  it('takes the same live lines twice without harm', async () => {
    const pages = new LogPages(log(5).read, 5);
    pages.ensure(0, 5);
    await settle();
    pages.append(lines(3, 5));
    expect(pages.total).toBe(5);
  });

  it('says what went wrong and tries again', async () => {
    let broken = true;
    const source = log(5);
    const pages = new LogPages(async (from, count) => {
      if (broken) throw new Error('gone');
      return source.read(from, count);
    }, 5);
    pages.ensure(0, 5);
    await settle();
    expect(pages.problem).toBeInstanceOf(Error);
    broken = false;
    pages.ensure(0, 5);
    await settle();
    expect(pages.problem).toBeNull();
    expect(pages.line(4)?.number).toBe(4);
  });

  it('ignores answers after it was closed', async () => {
    const pages = new LogPages(log(5).read, 5);
    pages.ensure(0, 5);
    pages.close();
    await settle();
    expect(pages.line(0)).toBeUndefined();
  });
});
