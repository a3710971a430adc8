/** Lists as they are typed: one thing on a line. */

/** The lines that say something. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** NAME=VALUE on each line; only the first `=` parts them. */
export function pairsOfLines(text: string): [string, string][] {
  return linesOf(text).map((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1)];
  });
}

export function linesOfPairs(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join('\n');
}

/** What is wrong with variables, one sentence. */
export function environmentProblem(text: string): string | null {
  const names: string[] = [];
  for (const line of linesOf(text)) {
    const at = line.indexOf('=');
    if (at < 0) return `“${line}” has no “=”: NAME=VALUE.`;
    const name = line.slice(0, at).trim();
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `“${name}” is no name: letters, digits and “_”.`;
    if (names.includes(name)) return `“${name}” is there twice.`;
    names.push(name);
  }
  return null;
}

/** What is wrong with Debian packages, one sentence. */
export function aptProblem(text: string): string | null {
  const wrong = linesOf(text).find((line) => !/^[a-z0-9][a-z0-9+.:-]*(=[\w.+~:-]+)?$/.test(line));
  return wrong === undefined ? null : `“${wrong}” is no package: its name, or name=version.`;
}

/** What is wrong with Python requirements, one sentence. The installer has the last word. */
export function requirementsProblem(text: string): string | null {
  const wrong = linesOf(text).find((line) => line.startsWith('-'));
  return wrong === undefined ? null : `“${wrong}” is an option of the installer, not a package.`;
}
