import { type BigIntStats, lstatSync } from 'node:fs';
import { driverCode } from '../../../kernel/errors.js';

export interface FileLook {
  kind: 'file';
  sizeBytes: bigint;
  mtimeNs: bigint;
  device: bigint;
  inode: bigint;
  mode: number;
  uid: number;
  gid: number;
}

/** What stands at a path. Links are not followed. */
export type Look = FileLook | { kind: 'gone' } | { kind: 'other'; what: string } | { kind: 'unreadable'; code: string };

export function lookAtPath(path: Uint8Array): Look {
  try {
    const stats = lstatSync(Buffer.from(path), { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? { kind: 'gone' } : lookOf(stats);
  } catch (error) {
    const code = driverCode(error) ?? 'UNKNOWN';
    // A file where a directory of the path was: what was below it is gone.
    return code === 'ENOTDIR' ? { kind: 'gone' } : { kind: 'unreadable', code };
  }
}

export function lookOf(stats: BigIntStats): Look {
  if (!stats.isFile()) {
    return { kind: 'other', what: typeOf(stats) };
  }
  return {
    kind: 'file',
    sizeBytes: stats.size,
    mtimeNs: stats.mtimeNs,
    device: stats.dev,
    inode: stats.ino,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
  };
}

function typeOf(stats: BigIntStats): string {
  if (stats.isSymbolicLink()) {
    return 'a symbolic link';
  }
  return stats.isDirectory() ? 'a directory' : 'a special file';
}
