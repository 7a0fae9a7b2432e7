import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToText } from '../kernel/path-text.js';

/**
 * The text form of a directory that was typed. As the shell gives it when it exists here, which covers names with
 * backslashes; else it is taken to be in text form already (`\xHH` for what cannot be typed, such as invalid UTF-8), for
 * the station may see directories that this machine does not.
 */
export function directoryText(typed: string, workingDirectory: string): string {
  if (typed.startsWith('@')) {
    return typed;
  }
  const absolute = resolve(workingDirectory, typed);
  return existsSync(absolute) ? pathToText(Buffer.from(absolute, 'utf8')) : absolute;
}
