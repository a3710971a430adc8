/** The bytes of a shell, between the engine's base64 and the terminal, and the terminal's colours. */

import type { ITheme } from '@xterm/xterm';

/** Decodes base64 to bytes; a shell's output may cut a character in two, so it must not become text here. */
export function decode(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Splits typed or pasted text so that no single message is huge. */
export function chunks(text: string, size = 4096): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + size);
    // Not through the middle of a character.
    if (end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))) end--;
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}

/** Returns a terminal theme made of the page's tokens. */
export function theme(style: CSSStyleDeclaration): ITheme {
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    background: token('--bg-side'),
    foreground: token('--ink'),
    cursor: token('--ink'),
    cursorAccent: token('--bg-side'),
    selectionBackground: token('--bg-selected'),
    black: token('--ink-3'),
    red: token('--fail'),
    green: token('--lane-5'),
    yellow: token('--warn'),
    blue: token('--run'),
    magenta: token('--lane-2'),
    cyan: token('--lane-7'),
    white: token('--ink-2'),
    brightBlack: token('--ink-3'),
    brightRed: token('--fail'),
    brightGreen: token('--lane-5'),
    brightYellow: token('--warn'),
    brightBlue: token('--run'),
    brightMagenta: token('--lane-2'),
    brightCyan: token('--lane-7'),
    brightWhite: token('--ink'),
  };
}
