/** Parameters as they are typed: a name, and a value as JSON writes it. */

export type Parameter = { name: string; value: string };

/** Whether nothing was typed yet: such a row is no parameter. */
export function isBlank({ name, value }: Parameter): boolean {
  return name.trim() === '' && value.trim() === '';
}

/** What is wrong with one of several parameters, one sentence; nothing if it is fine. */
export function parameterProblem(all: readonly Parameter[], at: number): string | null {
  const own = all[at];
  if (!own || isBlank(own)) return null;
  const name = own.name.trim();
  if (!name) return 'Give it a name.';
  if (/\s/.test(name)) return 'A name has no spaces.';
  if (all.some((other, i) => i < at && other.name.trim() === name)) return `“${name}” is there twice.`;
  return isJson(own.value) ? null : 'Not JSON: text stands in double quotes.';
}

/** Whether text would be JSON if it stood in quotes: what people mean who type a word. */
export function wantsQuotes({ name, value }: Parameter): boolean {
  return name.trim() !== '' && value.trim() !== '' && !isJson(value);
}

export function quoted(value: string): string {
  return JSON.stringify(value.trim());
}

/** The pairs that the engine takes; null while one of them is wrong. */
export function pairsOf(all: readonly Parameter[]): [string, string][] | null {
  if (all.some((_, i) => parameterProblem(all, i) !== null)) return null;
  return all.filter((one) => !isBlank(one)).map(({ name, value }) => [name.trim(), value.trim()]);
}

function isJson(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
