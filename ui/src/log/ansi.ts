/**
 * Turns one line of terminal output into spans of plain text. Logs are hostile input: what comes out is only ever put
 * into text nodes, links and window titles (OSC) are swallowed, "hidden" text is shown, and characters that would
 * reorder or hide text are written out.
 *
 * Own code instead of a library: `anser` leaves OSC in the text and `ansi-sequence-parser` knows nothing but SGR; neither
 * lets a carriage return overwrite, which is what progress bars do.
 */

import { type Colour, type Pair, type Rgb, indexed, resolve } from './colours';

export interface Span {
  text: string;
  /** Space-separated names: `bold`, `italic`, `underline`, `strike`, `control`, `hit`, `current`. */
  classes: string;
  fg?: Pair;
  bg?: Pair;
}

/** Returns the spans of a line. Lines longer than `limit` characters are cut there. */
export function parseAnsi(line: string, limit = Infinity): Span[] {
  if (!SPECIAL.test(line)) return line === '' ? [] : [{ text: cut(line, limit), classes: '' }];
  return spans(cells(line), limit);
}

/** Returns the text of a line as it would be read, without colours; for copying. */
export function plainText(line: string): string {
  return SPECIAL.test(line)
    ? cells(line)
        .map((cell) => cell?.text ?? ' ')
        .join('')
    : line;
}

/** Marks every place where `query` stands in the spans, case-insensitive; runs over span borders. */
export function highlight(line: Span[], query: string, current = false): Span[] {
  const wanted = query.toLowerCase();
  const whole = line.map((s) => s.text).join('');
  const lower = whole.toLowerCase();
  // Where lower-casing changes lengths (İ), positions no longer fit: no mark is better than a wrong one.
  if (wanted === '' || lower.length !== whole.length || !lower.includes(wanted)) return line;
  const marked: Span[] = [];
  let position = 0;
  let hit = lower.indexOf(wanted);
  for (const span of line) {
    let rest = span.text;
    while (rest !== '') {
      const end = hit + wanted.length;
      const inside = hit !== -1 && position >= hit;
      const border = hit === -1 ? Infinity : inside ? end : hit;
      const length = Math.min(rest.length, border - position);
      const text = rest.slice(0, length);
      // A mark has its own colours: what was chosen for the log's ground need not be readable on it.
      const mark = current ? 'hit current' : 'hit';
      marked.push(inside ? { text, classes: `${span.classes} ${mark}`.trim() } : { ...span, text });
      rest = rest.slice(length);
      position += length;
      if (inside && position >= end) hit = lower.indexOf(wanted, end);
    }
  }
  return marked;
}

// Anything that is not simply text: controls, and characters that reorder, hide or break lines.
const INVISIBLE =
  '\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u{e0000}-\u{e007f}';
const SPECIAL = new RegExp(`[\\x00-\\x08\\x0a-\\x1f\\x7f-\\x9f${INVISIBLE}]`, 'u');
const NEEDS_NAME = new RegExp(`[\\x80-\\x9f${INVISIBLE}]`, 'u');

interface Style {
  fg?: Colour | undefined;
  bg?: Colour | undefined;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  strike: boolean;
  inverse: boolean;
}

interface Cell {
  text: string;
  style: Style;
  control: boolean;
}

const plain: Style = {
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
};

/** Runs a line through a terminal of one endless row. */
function cells(line: string): (Cell | undefined)[] {
  const row: (Cell | undefined)[] = [];
  let column = 0;
  let style = plain;
  let i = 0;
  const put = (text: string, control = false) => {
    row[column++] = { text, style, control };
  };

  while (i < line.length) {
    const code = line.codePointAt(i) as number;
    const char = String.fromCodePoint(code);
    if (code === 0x1b || (code >= 0x80 && code <= 0x9f)) {
      const sequence = escape(line, i);
      if (sequence) {
        i = sequence.end;
        if (sequence.final === 'm') style = sgr(style, sequence.parameters);
        if (sequence.final === 'K') erase(row, column, sequence.parameters);
        if (sequence.final === 'G')
          column = clampColumn(Number.parseInt(sequence.parameters || '1', 10) - 1, row.length);
        continue;
      }
      put(code === 0x1b ? '\u241b' : named(code), true);
    } else if (char === '\r') {
      column = 0;
    } else if (char === '\b') {
      column = Math.max(0, column - 1);
    } else if (char === '\x07') {
      // The bell says nothing in a log.
    } else if (char === '\t') {
      put(char);
    } else if (code < 0x20) {
      put(String.fromCharCode(0x2400 + code), true);
    } else if (code === 0x7f) {
      put('\u2421', true);
    } else if (NEEDS_NAME.test(char)) {
      put(named(code), true);
    } else {
      put(char);
    }
    i += char.length;
  }
  return row;
}

interface Sequence {
  end: number;
  final: string;
  parameters: string;
}

const CSI = /[\x30-\x3f]{0,256}[\x20-\x2f]{0,8}([\x40-\x7e])/y;
const SHORT = /[\x20-\x2f]{0,8}[\x30-\x7e]/y;

/** Reads the escape sequence at `start`; undefined when it is none or has no end, so that its bytes are shown. */
function escape(line: string, start: number): Sequence | undefined {
  const first = line.charCodeAt(start);
  const seven = first === 0x1b;
  const kind = seven ? line.charAt(start + 1) : String.fromCharCode(first - 0x40);
  const body = start + (seven ? 2 : 1);
  if (kind === '[') {
    CSI.lastIndex = body;
    const match = CSI.exec(line);
    if (!match) return undefined;
    const final = match[1] as string;
    return { end: CSI.lastIndex, final, parameters: match[0].slice(0, -1) };
  }
  if (kind === ']' || kind === 'P' || kind === 'X' || kind === '^' || kind === '_') {
    const end = stringEnd(line, body, kind === ']');
    return end === -1 ? undefined : { end, final: '', parameters: '' };
  }
  if (!seven) return undefined;
  SHORT.lastIndex = start + 1;
  return SHORT.test(line) ? { end: SHORT.lastIndex, final: '', parameters: '' } : undefined;
}

/** Returns where a string sequence ends: after ST, or for OSC after BEL too. */
function stringEnd(line: string, from: number, bell: boolean): number {
  for (let i = from; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (code === 0x9c || (bell && code === 0x07)) return i + 1;
    if (code === 0x1b) return line.charAt(i + 1) === '\\' ? i + 2 : -1;
  }
  return -1;
}

function erase(row: (Cell | undefined)[], column: number, parameters: string) {
  if (parameters === '' || parameters === '0') row.length = Math.min(row.length, column);
  else if (parameters === '1') row.fill(undefined, 0, Math.min(row.length, column + 1));
  else if (parameters === '2') row.fill(undefined);
}

/** Keeps a column on the line: a hostile one could ask for the two-billionth. */
function clampColumn(column: number, length: number): number {
  return Number.isFinite(column) ? Math.max(0, Math.min(column, length)) : 0;
}

function sgr(style: Style, parameters: string): Style {
  // Private parameters such as `>4;2` set keyboard modes, not colours.
  if (/[^0-9;:]/.test(parameters)) return style;
  // `38:2::r:g:b` is the standard's own spelling of `38;2;r;g;b`.
  const codes = parameters
    .replace(/([34]8):2:\d*:(\d+):(\d+):(\d+)/g, '$1;2;$2;$3;$4')
    .replace(/4:(\d)/g, (_, kind: string) => (kind === '0' ? '24' : '4'))
    .split(/[;:]/)
    .map((part) => (part === '' ? 0 : Number.parseInt(part, 10)));
  let next = { ...style };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number;
    if (code === 0) next = { ...plain };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4 || code === 21) next.underline = true;
    else if (code === 7) next.inverse = true;
    else if (code === 9) next.strike = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code === 27) next.inverse = false;
    else if (code === 29) next.strike = false;
    else if (code >= 30 && code <= 37) next.fg = { name: code - 30 };
    else if (code >= 40 && code <= 47) next.bg = { name: code - 40 };
    else if (code >= 90 && code <= 97) next.fg = { name: code - 82 };
    else if (code >= 100 && code <= 107) next.bg = { name: code - 92 };
    else if (code === 39) next.fg = undefined;
    else if (code === 49) next.bg = undefined;
    else if (code === 38 || code === 48) {
      const { colour, used } = extended(codes, i + 1);
      if (colour && code === 38) next.fg = colour;
      if (colour && code === 48) next.bg = colour;
      i += used;
    } else if (code === 58) {
      i += extended(codes, i + 1).used;
    }
    // Blink says nothing worth flickering for, and hidden text stays readable on purpose.
  }
  return next;
}

function extended(codes: number[], at: number): { colour?: Colour; used: number } {
  if (codes[at] === 5) {
    const index = codes[at + 1];
    return index !== undefined && index <= 255 ? { colour: indexed(index), used: 2 } : { used: 2 };
  }
  if (codes[at] === 2) {
    const rgb = codes.slice(at + 1, at + 4);
    const whole = rgb.length === 3 && rgb.every((part) => part <= 255);
    return whole ? { colour: { rgb: rgb as unknown as Rgb }, used: 4 } : { used: 4 };
  }
  return { used: 0 };
}

function spans(row: (Cell | undefined)[], limit: number): Span[] {
  const result: Span[] = [];
  let length = 0;
  let last: Cell | undefined;
  for (let i = 0; i < row.length && length < limit; i++) {
    const cell = row[i] ?? { text: ' ', style: plain, control: false };
    const open = result.at(-1);
    if (open && last && last.style === cell.style && last.control === cell.control) open.text += cell.text;
    else result.push(span(cell));
    last = cell;
    length += cell.text.length;
  }
  return result;
}

const inkAsColour: Colour = { name: 15 };
const groundAsColour: Colour = { name: 0 };

function span({ text, style, control }: Cell): Span {
  const names: string[] = [];
  if (style.bold) names.push('bold');
  if (style.italic) names.push('italic');
  if (style.underline) names.push('underline');
  if (style.strike) names.push('strike');
  if (control) return { text, classes: [...names, 'control'].join(' ') };
  const [fg, bg] = style.inverse ? [style.bg ?? groundAsColour, style.fg ?? inkAsColour] : [style.fg, style.bg];
  return { text, classes: names.join(' '), ...resolve(fg, bg, style.dim) };
}

function named(code: number): string {
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
}

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // Not through the middle of a character.
  const end = /[\ud800-\udbff]/.test(text.charAt(limit - 1)) ? limit - 1 : limit;
  return text.slice(0, end);
}
