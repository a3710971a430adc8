import { describe, expect, it } from 'vitest';

import { highlight, parseAnsi, plainText, type Span } from './ansi';
import { contrast, ground, indexed, resolve, type Rgb } from './colours';

const ESC = '\x1b';
const text = (spans: Span[]) => spans.map((s) => s.text).join('');
const shape = (line: string) => parseAnsi(line).map((s) => [s.text, s.classes] as const);
const rgb = (hex: string) => [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)) as unknown as Rgb;

describe('text attributes', () => {
  it('leaves plain text as one span', () => {
    expect(parseAnsi('cc -O2 main.c')).toEqual([{ text: 'cc -O2 main.c', classes: '' }]);
    expect(parseAnsi('')).toEqual([]);
  });

  it('reads bold, italic, underline and their ends', () => {
    expect(shape(`a${ESC}[1mb${ESC}[3mc${ESC}[22md${ESC}[0;4me`)).toEqual([
      ['a', ''],
      ['b', 'bold'],
      ['c', 'bold italic'],
      ['d', 'italic'],
      ['e', 'underline'],
    ]);
  });

  it('treats an empty SGR as reset', () => {
    expect(shape(`${ESC}[1ma${ESC}[mb`)).toEqual([
      ['a', 'bold'],
      ['b', ''],
    ]);
  });

  it('reads curly underlines without taking them for a colour or for italics', () => {
    expect(shape(`${ESC}[4:3ma${ESC}[4:0mb`)).toEqual([
      ['a', 'underline'],
      ['b', ''],
    ]);
  });

  it('swaps colours for inverse, so that text stays readable', () => {
    const [span] = parseAnsi(`${ESC}[7mx`);
    expect(contrast(rgb(span!.fg!.dark), rgb(span!.bg!.dark))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(rgb(span!.fg!.light), rgb(span!.bg!.light))).toBeGreaterThanOrEqual(4.5);
  });

  it('shows hidden text: a log must not be able to hide what happened', () => {
    expect(text(parseAnsi(`${ESC}[8mrm -rf /${ESC}[0m`))).toBe('rm -rf /');
  });
});

describe('colours', () => {
  it('reads the 16, the 256 and exact colours in both spellings', () => {
    for (const code of ['31', '91', '38;5;208', '38;2;10;200;30', '38:2::10:200:30', '38:5:208']) {
      const [span] = parseAnsi(`${ESC}[${code}mx`);
      expect(span?.fg, code).toBeDefined();
    }
  });

  it('does not take the parts of a bad extended colour for other codes', () => {
    expect(shape(`${ESC}[38;5;999mx`)).toEqual([['x', '']]);
    expect(shape(`${ESC}[38;2;1;1;999mx`)).toEqual([['x', '']]);
    expect(shape(`${ESC}[58;2;1;4;7mx`)).toEqual([['x', '']]);
  });

  it('keeps AA contrast for all 256 colours, alone, dimmed and on all named grounds, in both themes', () => {
    for (let i = 0; i < 256; i++) {
      for (const dim of [false, true]) {
        const { fg } = resolve(indexed(i), undefined, dim);
        for (const theme of ['light', 'dark'] as const)
          expect(contrast(rgb(fg![theme]), ground[theme]), `${i} ${theme}`).toBeGreaterThanOrEqual(4.5);
      }
      for (let on = 0; on < 16; on++) {
        const { fg, bg } = resolve(indexed(i), indexed(on));
        for (const theme of ['light', 'dark'] as const)
          expect(contrast(rgb(fg![theme]), rgb(bg![theme])), `${i} on ${on} ${theme}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it('leaves readable colours as they were chosen', () => {
    expect(resolve({ rgb: [255, 255, 255] }, undefined).fg?.dark).toBe('#ffffff');
  });
});

describe('a terminal of one row', () => {
  it.each([
    ['a carriage return overwrites', '10%\r20%\r100%', '100%'],
    ['what is not overwritten stays', 'abcdef\rXY', 'XYcdef'],
    ['erase to the end', `downloading 10%\rdone${ESC}[K`, 'done'],
    ['erase the whole row', `abc${ESC}[2K\rx`, 'x  '],
    ['backspace', 'abc\b\bX', 'aXc'],
    ['column', `abc${ESC}[1GX`, 'Xbc'],
    ['cursor moves are dropped', `a${ESC}[2Ab${ESC}[10;10Hc${ESC}[?25l`, 'abc'],
    ['a title is swallowed', `${ESC}]0;evil title\x07ok`, 'ok'],
    ['a link keeps only its text', `${ESC}]8;;https://evil.example\x1b\\click${ESC}]8;;\x1b\\ here`, 'click here'],
    ['a clipboard write is swallowed', `${ESC}]52;c;cm0gLXJm${ESC}\\ok`, 'ok'],
    ['device strings are swallowed', `${ESC}P+q544e\x1b\\a${ESC}_private${ESC}\\b${ESC}^pm${ESC}\\c`, 'abc'],
    ['8-bit introducers', '\x9b31mred\x9b0m \x9d0;title\x9cok', 'red ok'],
    ['character set changes', `${ESC}(Ba${ESC}=b${ESC}c`, 'ab'],
    ['the bell is silent', 'a\x07b', 'ab'],
  ])('%s', (_, line, read) => {
    expect(text(parseAnsi(line))).toBe(read);
    expect(plainText(line)).toBe(read);
  });
});

describe('hostile input', () => {
  it('shows an escape sequence that never ends instead of hiding the rest', () => {
    expect(text(parseAnsi(`${ESC}]0;title without end and the error`))).toBe(
      '\u241b]0;title without end and the error',
    );
    expect(text(parseAnsi(`a${ESC}[31`))).toBe('a\u241b[31');
    expect(text(parseAnsi(`a${ESC}`))).toBe('a\u241b');
  });

  it('writes out characters that reorder or hide text', () => {
    const spans = parseAnsi('admin\u202egnp.exe\u2066x\u2069');
    expect(text(spans)).toBe('admin\u27e8U+202E\u27e9gnp.exe\u27e8U+2066\u27e9x\u27e8U+2069\u27e9');
    expect(spans.filter((s) => s.classes === 'control')).toHaveLength(3);
    for (const code of [0x200b, 0x200e, 0x061c, 0xfeff, 0x2028, 0xe0041])
      expect(text(parseAnsi(`a${String.fromCodePoint(code)}b`))).toContain('\u27e8U+');
  });

  it('keeps what scripts and emoji need', () => {
    for (const line of ['می‌خواهم', '👩‍👩‍👧', 'שלום', 'e\u0301', '🇩🇪']) expect(text(parseAnsi(line))).toBe(line);
  });

  it('shows other control characters as pictures', () => {
    expect(text(parseAnsi('a\0b\x7fc'))).toBe('a\u2400b\u2421c');
  });

  it('keeps markup as text', () => {
    expect(text(parseAnsi(`${ESC}[1m<img src=x onerror=alert(1)>`))).toBe('<img src=x onerror=alert(1)>');
  });

  it('ignores columns out of reach', () => {
    expect(text(parseAnsi(`a${ESC}[2147483647Gb`))).toBe('ab');
  });

  it('survives a long run of escape characters in time', () => {
    const started = performance.now();
    parseAnsi(`${ESC}[`.repeat(50_000));
    parseAnsi(`${ESC}]`.repeat(50_000));
    parseAnsi(`${ESC}[${'1;'.repeat(50_000)}m`);
    parseAnsi(`${ESC}[1mx`.repeat(50_000));
    expect(performance.now() - started, 'quadratic work would take minutes').toBeLessThan(4000);
  });

  it('cuts overlong lines between characters', () => {
    expect(text(parseAnsi('x'.repeat(100), 10))).toHaveLength(10);
    expect(text(parseAnsi('a👩👩', 2))).toBe('a');
  });
});

describe('search marks', () => {
  it('finds text across colour changes, whatever its case', () => {
    const marked = highlight(parseAnsi(`an Er${ESC}[31mROR here, error`), 'error');
    expect(marked.filter((s) => s.classes.includes('hit')).map((s) => s.text)).toEqual(['Er', 'ROR', 'error']);
    expect(text(marked)).toBe('an ErROR here, error');
  });

  it('names the current line apart', () => {
    expect(highlight(parseAnsi('abc'), 'b', true)[1]?.classes).toBe('hit current');
  });

  it('does not mark at wrong places where lower-casing changes lengths', () => {
    expect(text(highlight(parseAnsi('İİ error'), 'error'))).toBe('İİ error');
  });

  it('treats the query as text, not as a pattern', () => {
    expect(highlight(parseAnsi('a.c abc'), '.').filter((s) => s.classes === 'hit')).toHaveLength(1);
  });
});
