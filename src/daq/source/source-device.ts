import { isBelowOrSame } from '../../kernel/path-bytes.js';
import { pathToText, textToPath } from '../../kernel/path-text.js';

/**
 * What is remembered of the file system that a source lies on: its number and, after `@`, where it is mounted. One that
 * is mounted at `/`, or of which that cannot be told, has its number only.
 */
export function deviceText(number: string, mountPoint: Buffer | null): string {
  return mountPoint === null || mountPoint.length === 1 ? number : `${number}@${pathToText(mountPoint)}`;
}

/** What a look found, compared with what is remembered; null: the source was never seen. */
export function compareDevice(known: string | null, number: string, mountPoint: Buffer | null): DeviceChange {
  const now = deviceText(number, mountPoint);
  if (known === null) {
    return { device: now, isOther: false, hasLostMount: false };
  }
  const before = parse(known);
  if (before.number === number) {
    // A mount that goes between the two questions that a look asks must not be forgotten.
    return { device: before.mountPoint === null ? now : known, isOther: false, hasLostMount: false };
  }
  return { device: now, isOther: true, hasLostMount: isAbove(mountPoint, before.mountPoint) };
}

export interface DeviceChange {
  /** To be remembered, if the source is there. */
  device: string;
  /** It is another file system, or the same one mounted anew. */
  isOther: boolean;
  /** What was mounted is not mounted: the directory lies on the file system that held its mount point. */
  hasLostMount: boolean;
}

export function deviceNumber(text: string): string {
  return parse(text).number;
}

function parse(text: string): { number: string; mountPoint: Buffer | null } {
  const at = text.indexOf('@');
  return at < 0
    ? { number: text, mountPoint: null }
    : { number: text.slice(0, at), mountPoint: textToPath(text.slice(at + 1)) };
}

function isAbove(mountPoint: Buffer | null, before: Buffer | null): boolean {
  return mountPoint !== null && before !== null && !mountPoint.equals(before) && isBelowOrSame(before, mountPoint);
}
