import { directoryOf, joinBytes, nameOf } from '../../kernel/path-bytes.js';
import { pathToText, textToPath } from '../../kernel/path-text.js';
import { wildcard } from '../../kernel/wildcard.js';

const DOT = 0x2e;

/**
 * The file that says something about another one. In the pattern stand `{name}` for the file's name, `{stem}` for its
 * name without the last extension, and `{dir}` for its directory. A pattern without a slash lies beside the file; any
 * other begins at `{dir}` or at the acquisition's directory.
 */
export function companionOf(pattern: string, relativePath: Buffer): Buffer {
  const name = nameOf(relativePath);
  const directory = directoryOf(relativePath);
  const dot = name.lastIndexOf(DOT);
  const stem = dot > 0 ? name.subarray(0, dot) : name;
  const filled = bytesOf(pattern)
    .replaceAll('{name}', () => name.toString('latin1'))
    .replaceAll('{stem}', () => stem.toString('latin1'));
  if (!pattern.includes('/')) {
    return joinBytes(directory, Buffer.from(filled, 'latin1'));
  }
  const inDirectory = filled.replaceAll('{dir}', () => directory.toString('latin1'));
  return Buffer.from(inDirectory.replace(/^\/+/, ''), 'latin1');
}

/** Whether a file is such a companion itself: it cannot be waited for by its own rule. */
export function companionTest(pattern: string): (relativePath: Buffer) => boolean {
  const name = pattern.slice(pattern.lastIndexOf('/') + 1);
  const escaped = name.replace(/[*?[]/g, '[$&]').replaceAll('{name}', '*').replaceAll('{stem}', '*');
  const matches = wildcard(escaped);
  return (relativePath) => matches(pathToText(nameOf(relativePath)));
}

/** Null when a pattern can be used; else what is wrong with it. */
export function companionProblem(pattern: string): string | null {
  const unknown = /\{(?!name\}|stem\}|dir\})[^}]*\}?/.exec(pattern)?.[0];
  if (unknown !== undefined) {
    return `${unknown} is none of {name}, {stem}, {dir}`;
  }
  if (pattern.indexOf('{dir}', 1) > 0 || (pattern.includes('{dir}') && !pattern.startsWith('{dir}/'))) {
    return '{dir} stands at the beginning only, followed by a slash';
  }
  if (pattern.startsWith('/') || pattern.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return 'it must be a plain relative path, without "." or ".."';
  }
  if (pattern === '{name}' || pattern === '{dir}/{name}') {
    return 'it names the file itself';
  }
  return null;
}

function bytesOf(text: string): string {
  return textToPath(text).toString('latin1');
}
