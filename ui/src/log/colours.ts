/**
 * Colours of terminal text, readable on both themes. A colour that a program chose for a black terminal is moved in
 * lightness, never in hue, until it has the contrast that text needs (WCAG AA, 4.5 : 1) on the ground it stands on.
 */

export type Rgb = readonly [number, number, number];

/** One colour per theme, as CSS hex. */
export interface Pair {
  light: string;
  dark: string;
}

type Theme = keyof Pair;

/** The ground that log text stands on and its ink: `--bg-side` and `--ink` of tokens.css. */
export const ground: Record<Theme, Rgb> = { light: [246, 247, 247], dark: [12, 14, 16] };
export const ink: Record<Theme, Rgb> = { light: [20, 24, 27], dark: [232, 236, 238] };

// More than AA's 4.5, so that a hovered or selected line is still readable.
const READABLE = 5;

// Chosen per theme, so that the sixteen names keep their character; `readable` guarantees the contrast.
const named: Record<Theme, readonly Rgb[]> = {
  light: [
    [36, 41, 47],
    [190, 30, 45],
    [17, 115, 41],
    [138, 90, 0],
    [9, 86, 190],
    [130, 60, 180],
    [12, 112, 124],
    [95, 102, 112],
    [75, 82, 92],
    [160, 17, 31],
    [4, 98, 52],
    [115, 75, 0],
    [33, 74, 166],
    [102, 57, 186],
    [0, 92, 107],
    [31, 35, 40],
  ],
  dark: [
    [126, 134, 146],
    [244, 112, 103],
    [108, 199, 122],
    [224, 180, 92],
    [110, 168, 254],
    [198, 149, 246],
    [92, 201, 207],
    [200, 206, 214],
    [146, 153, 164],
    [255, 147, 138],
    [144, 224, 150],
    [245, 208, 130],
    [150, 196, 255],
    [219, 182, 255],
    [139, 226, 229],
    [245, 247, 250],
  ],
};

/** A colour as a program names it: one of 16 names, or exact. */
export type Colour = { name: number } | { rgb: Rgb };

/** Returns the colour of an index in the 256-colour table. */
export function indexed(index: number): Colour {
  if (index < 16) return { name: index };
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return { rgb: [grey, grey, grey] };
  }
  const cube = index - 16;
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40);
  return { rgb: [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)] };
}

/** Returns the contrast of two colours as WCAG defines it, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Returns the text and ground colours for a pair a program asked for; undefined stands for the theme's own. */
export function resolve(fg: Colour | undefined, bg: Colour | undefined, dim = false): { fg?: Pair; bg?: Pair } {
  const key = `${id(fg)}/${id(bg)}/${dim}`;
  let known = cache.get(key);
  if (!known) {
    known = compute(fg, bg, dim);
    // A hostile log can name millions of colours.
    if (cache.size > 4096) cache.clear();
    cache.set(key, known);
  }
  return known;
}

const cache = new Map<string, { fg?: Pair; bg?: Pair }>();

function compute(fg: Colour | undefined, bg: Colour | undefined, dim: boolean): { fg?: Pair; bg?: Pair } {
  const text = (theme: Theme) => {
    const on = bg ? exact(bg, theme, true) : ground[theme];
    const own = fg ? exact(fg, theme, false) : ink[theme];
    return hex(readable(dim ? mix(own, on, 0.35) : own, on));
  };
  const result: { fg?: Pair; bg?: Pair } = {};
  if (fg || bg || dim) result.fg = { light: text('light'), dark: text('dark') };
  if (bg) result.bg = { light: hex(exact(bg, 'light', true)), dark: hex(exact(bg, 'dark', true)) };
  return result;
}

function exact(colour: Colour, theme: Theme, asGround: boolean): Rgb {
  if ('rgb' in colour) return colour.rgb;
  const own = named[theme][colour.name] ?? ink[theme];
  // As a ground, black and white keep their meaning in both themes.
  if (asGround && (colour.name === 0 || colour.name === 15)) return colour.name === 0 ? [20, 22, 26] : [245, 247, 250];
  return own;
}

/** Moves a colour towards black or white until it is readable on a ground. */
function readable(colour: Rgb, on: Rgb): Rgb {
  if (contrast(colour, on) >= READABLE) return colour;
  const white: Rgb = [255, 255, 255];
  const black: Rgb = [0, 0, 0];
  const goal = contrast(white, on) > contrast(black, on) ? white : black;
  let low = 0;
  let high = 1;
  for (let i = 0; i < 12; i++) {
    const middle = (low + high) / 2;
    if (contrast(mix(colour, goal, middle), on) >= READABLE) high = middle;
    else low = middle;
  }
  return mix(colour, goal, high);
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const part = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * share);
  return [part(0), part(1), part(2)];
}

function luminance([r, g, b]: Rgb): number {
  const linear = (v: number) => {
    const c = v / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

function hex(colour: Rgb): string {
  return '#' + colour.map((v) => v.toString(16).padStart(2, '0')).join('');
}

function id(colour: Colour | undefined): string {
  if (!colour) return '-';
  return 'name' in colour ? `${colour.name}` : colour.rgb.join(',');
}
