/**
 * The shell freezes Object.prototype in the page (`freezePrototype`). An ordinary assignment of a name that it has, such as
 * `toString` or `constructor`, to an object that only inherits it throws then: the page stays white. Libraries do that while
 * they load (xterm, d3), so in what is built such assignments become definitions, which a frozen prototype does not stop.
 */
import { parseAst, type Plugin } from 'vite';

const names = new Set(Object.getOwnPropertyNames(Object.prototype));
const candidate =
  /\.(toString|valueOf|constructor|hasOwnProperty|isPrototypeOf|propertyIsEnumerable|toLocaleString)\s*=[^=]/;

type Node = { type: string; start: number; end: number } & Record<string, unknown>;

export function defineInsteadOfAssign(code: string): string {
  if (!candidate.test(code)) return code;
  const edits: { at: number; until: number; text: string }[] = [];
  visit(parseAst(code) as unknown as Node, (node) => {
    const left = node['left'] as Node | undefined;
    if (node.type !== 'AssignmentExpression' || node['operator'] !== '=' || left?.type !== 'MemberExpression') return;
    const property = left['property'] as Node & { name?: string };
    if (left['computed'] || !property.name || !names.has(property.name)) return;
    const object = left['object'] as Node;
    const right = node['right'] as Node;
    edits.push({ at: left.start, until: left.start, text: '((o,value)=>(Object.defineProperty(o,' });
    edits[edits.length - 1]!.text +=
      `"${property.name}",{value,writable:true,enumerable:true,configurable:true}),value))(`;
    edits.push({ at: object.end, until: right.start, text: ',' });
    edits.push({ at: right.end, until: right.end, text: ')' });
  });
  let result = '';
  let at = 0;
  for (const edit of edits.sort((a, b) => a.at - b.at)) {
    result += code.slice(at, edit.at) + edit.text;
    at = edit.until;
  }
  return result + code.slice(at);
}

function visit(node: Node, enter: (node: Node) => void) {
  enter(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child && typeof (child as Node).type === 'string') visit(child as Node, enter);
    }
  }
}

export const frozenPrototype: Plugin = {
  name: 'frozen-prototype',
  renderChunk: (code) => ({ code: defineInsteadOfAssign(code), map: null }),
};
