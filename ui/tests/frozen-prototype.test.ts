import { expect, it } from 'vitest';
import { defineInsteadOfAssign } from '../frozen-prototype';

function run(code: string): unknown {
  // An object whose prototype is frozen, as Object.prototype is in the window.
  const strict = `"use strict"; const make = () => Object.create(Object.freeze({ toString() {}, constructor: 0 })); `;
  return new Function(strict + code)();
}

it.each([
  ['const o = make(); o.toString = () => "mine"; return o.toString();', 'mine'],
  ['const a = make(), b = make(); a.constructor = b.constructor = 7; return a.constructor + b.constructor;', 14],
  [
    'const o = make(); o.toString = function () { const p = make(); p.constructor = 1; return p.constructor; }; return o.toString();',
    1,
  ],
])('sets what a frozen prototype refuses: %#', (code, value) => {
  expect(() => run(code)).toThrow(/read only/);
  const changed = defineInsteadOfAssign(`function f() { ${code} }`).replace(/^function f\(\) \{|\}$/g, '');
  expect(run(changed)).toBe(value);
});

it('leaves everything else as it is', () => {
  const code = 'a.b = c; if (x.toString === y) z["constructor"] = 1; const { toString } = o;';
  expect(defineInsteadOfAssign(code)).toBe(code);
});
