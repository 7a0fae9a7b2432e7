/**
 * Names come from detectors and from people; on a terminal they must not move the cursor, change its colours, reverse
 * the reading direction or break a line. What would do so is shown as an escape instead.
 */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** One line that is safe to print, whatever `value` is. */
export function safeLine(value: unknown): string {
  return textOf(value).replace(UNSAFE, escape);
}

/** Several lines (the output of a command): line ends and tabs stay, all else as in `safeLine`. */
export function safeBlock(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(UNSAFE, (character) => (/[\n\t]/.test(character) ? character : escape(character)));
}

function textOf(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  return value === null || value === undefined ? '' : (JSON.stringify(value) ?? '');
}

function escape(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
