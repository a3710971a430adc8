/** Key chords as text: "mod+k", "shift+g", "?", "g h" (one after the other). `mod` is Ctrl, on a Mac Command. */

export const isMac = typeof navigator !== 'undefined' && /Mac/.test(navigator.platform);

/** The chord of one key press, or nothing for a lone modifier. */
export function chordOf(event: KeyboardEvent): string | null {
  if (['Shift', 'Control', 'Alt', 'Meta', 'Dead', 'Process'].includes(event.key)) return null;
  const mod = isMac ? event.metaKey : event.ctrlKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // For a printed character Shift is already in it ("?" is "?", not "shift+/"); a letter keeps it.
  const shift = event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key));
  return [mod && 'mod', event.altKey && 'alt', shift && 'shift', key === ' ' ? 'Space' : key].filter(Boolean).join('+');
}

/** Whether the press is meant for a text field. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      !!target.closest('[data-keys="own"]'))
  );
}

const names: Record<string, string> = {
  Escape: 'Esc',
  Enter: '↵',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Space: 'Space',
  alt: isMac ? '⌥' : 'Alt',
  shift: '⇧',
  mod: isMac ? '⌘' : 'Ctrl',
};

/** How a chord is shown: "Ctrl K". */
export function chordLabel(chord: string): string {
  const parts = chord === '+' ? ['+'] : chord.split('+');
  return parts.map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join(isMac ? '' : ' ');
}
