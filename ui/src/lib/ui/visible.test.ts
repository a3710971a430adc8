import { expect, it } from 'vitest';
import { visible } from './visible';

it('makes characters visible that hide or reorder text', () => {
  expect(visible('fix\u202egnp.exe')).toBe('fix⟨202E⟩gnp.exe');
  expect(visible('a\u001b[31mb\u0000')).toBe('a␛[31mb␀');
  expect(visible('zero\u200bwidth')).toBe('zero⟨200B⟩width');
  expect(visible('tag\u{e0041}')).toBe('tag⟨E0041⟩');
});

it('leaves ordinary text of any script alone', () => {
  for (const text of ['fix: naïve café', 'שלום', '日本語', '👩‍💻 ship it', 'tab\there']) expect(visible(text)).toBe(text);
});
