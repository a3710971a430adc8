/**
 * Commit messages, branch names and logs are written by strangers. Characters that hide, reorder or overwrite text are
 * replaced by a visible stand-in; everything else stays as written. Always shown as a text node, inside <bdi>.
 */
const hostile =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;

export function visible(text: string): string {
  return text.replace(hostile, (char) => {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '␡';
    return `⟨${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}
