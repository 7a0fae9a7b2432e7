import { type Fault, faultOfCode } from '../copy-faults.js';

/** What the C library calls the errors that programs of coreutils and rsync pass on, in the C locale. */
const CODES: readonly [string, string][] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['File too large', 'EFBIG'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['Read-only file system', 'EROFS'],
  ['File name too long', 'ENAMETOOLONG'],
  ['Too many levels of symbolic links', 'ELOOP'],
  ['Invalid argument', 'EINVAL'],
  ['Is a directory', 'EISDIR'],
  ['Not a directory', 'ENOTDIR'],
  ['Invalid cross-device link', 'EXDEV'],
  ['Operation not supported', 'ENOTSUP'],
  ['No such file or directory', 'ENOENT'],
  ['File exists', 'EEXIST'],
  ['Stale file handle', 'ESTALE'],
  ['Transport endpoint is not connected', 'ENOTCONN'],
  ['Connection timed out', 'ETIMEDOUT'],
  ['Host is down', 'EHOSTDOWN'],
  ['Input/output error', 'EIO'],
  ['Too many links', 'EMLINK'],
  ['invalid user', 'EINVAL'],
  ['invalid group', 'EINVAL'],
];

/** The code of an error from what a program said about it; names in the text may hold anything, so its end counts. */
export function codeOfText(text: string): string | undefined {
  let found: { at: number; code: string } | undefined;
  for (const [words, code] of CODES) {
    const at = text.lastIndexOf(words);
    if (at !== -1 && (found === undefined || at > found.at)) {
      found = { at, code };
    }
  }
  return found?.code;
}

/** Sorts a complaint by what can be done about it. */
export function faultOfText(text: string, fallback = 'UNKNOWN'): Fault {
  return faultOfCode(codeOfText(text) ?? fallback, text.trim() || 'The program gave no reason.');
}
