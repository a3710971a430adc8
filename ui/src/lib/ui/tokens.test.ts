import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync('src/lib/ui/tokens.css', 'utf8');
const [light = '', dark = ''] = css.split(":root[data-theme='dark']");

function tokens(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]]));
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const surfaces = ['bg', 'bg-side', 'bg-raised', 'bg-selected'];
const texts = ['ink', 'ink-2', 'ink-3', 'accent', 'fail', 'warn', 'run', 'ok'];
const pairs: [string, string][] = [
  ...surfaces.flatMap((surface) => texts.map((text): [string, string] => [text, surface])),
  ['on-ink', 'ink'],
  ['on-accent', 'accent'],
  ['accent-strong', 'accent-soft'],
  ['ink', 'warn-soft'],
  ['ink-2', 'warn-soft'],
  ['warn', 'warn-soft'],
  ['fail', 'fail-soft'],
  ['ink-2', 'fail-soft'],
  ['run', 'run-soft'],
];

describe.each([
  ['light', tokens(light)],
  ['dark', { ...tokens(light), ...tokens(dark) }],
])('%s colours', (_, theme) => {
  it.each(pairs)('%s can be read on %s', (text, surface) => {
    expect(contrast(theme[text] ?? '', theme[surface] ?? '')).toBeGreaterThanOrEqual(4.5);
  });
  it.each(['line-control', 'lane-0', 'lane-3', 'lane-5', 'focus'])('%s can be seen on the page', (line) => {
    expect(contrast(theme[line] ?? '', theme['bg'] ?? '')).toBeGreaterThanOrEqual(3);
  });
});
